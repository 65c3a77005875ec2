import Diagnostics
public import Foundation

/// A tensor in a safetensors file: what it is, and where its bytes are.
public struct StoredTensor: Hashable, Sendable {
    /// The name, such as `blocks.0.attn.qkv.weight`.
    public let name: String
    /// The type of the elements.
    public let type: ElementType
    /// The sizes of the dimensions; empty for a scalar.
    public let shape: [Int]
    /// The bytes, counted from the end of the header.
    public let range: Range<Int>
}

/// A safetensors file, mapped into memory and checked as a whole when it is opened.
///
/// Every byte of the data belongs to exactly one tensor, sizes fit shapes and types, and no name occurs twice, so
/// reading a tensor of an open file needs no further checks. The file must not change while it is open.
public final class SafetensorsFile: Sendable {
    /// The longest header the format allows.
    static let headerLimit: UInt64 = 100_000_000

    /// The file.
    public let url: URL
    /// The tensors, in the order of their bytes.
    public let tensors: [StoredTensor]
    /// The free-form strings of the header.
    public let metadata: [String: String]

    private let index: [String: Int]
    // Read-only and private to this object from `init` to `deinit`, so threads may share it.
    nonisolated(unsafe) private let mapping: UnsafeRawBufferPointer
    private let dataStart: Int

    /// Opens a file and checks all of it but the values of the tensors.
    public init(_ url: URL) throws(SafetensorsError) {
        let mapping = try Self.map(url)
        do {
            let (tensors, metadata, dataStart) = try Self.readHeader(mapping)
            self.url = url
            self.mapping = mapping
            self.tensors = tensors
            self.metadata = metadata
            self.dataStart = dataStart
            index = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
        } catch {
            munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count)
            throw SafetensorsError(url.path, error)
        }
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count) }

    /// The tensor of that name, if there is one.
    public subscript(name: String) -> StoredTensor? { index[name].map { tensors[$0] } }

    /// The tensor of that name, or an error that suggests another.
    public func tensor(_ name: String) throws(SafetensorsError) -> StoredTensor {
        guard let tensor = self[name] else {
            throw SafetensorsError(url.path, .noSuchTensor(name, hint: name.didYouMean(index.keys)))
        }
        return tensor
    }

    /// Calls `body` with the bytes of a tensor of this file; they are valid only during the call.
    public func withBytes<R>(of tensor: StoredTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows
        -> R
    {
        try withExtendedLifetime(self) {
            let range = dataStart + tensor.range.lowerBound..<dataStart + tensor.range.upperBound
            return try body(UnsafeRawBufferPointer(rebasing: mapping[range]))
        }
    }

    /// Calls `body` with the bytes of the tensor of that name; they are valid only during the call.
    public func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try withBytes(of: tensor(name), body)
    }

    /// The values of a float32 tensor.
    public func floats(_ name: String) throws -> [Float] { try values(name, .float32) }

    /// The values of an int64 tensor.
    public func integers(_ name: String) throws -> [Int64] { try values(name, .int64) }

    private func values<Value: BitwiseCopyable>(_ name: String, _ type: ElementType) throws -> [Value] {
        let tensor = try tensor(name)
        guard tensor.type == type else {
            throw SafetensorsError(url.path, .wrongType(tensor: name, found: tensor.type, expected: type))
        }
        return withBytes(of: tensor) { bytes in
            // A foreign file may be unaligned, so the bytes are copied and not rebound.
            [Value](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Value>.stride) { buffer, count in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                count = bytes.count / MemoryLayout<Value>.stride
            }
        }
    }

    private static func map(_ url: URL) throws(SafetensorsError) -> UnsafeRawBufferPointer {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SafetensorsError(url.path, .system(operation: "open the file", errno: errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SafetensorsError(url.path, .system(operation: "read the file's size", errno: errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError(url.path, .system(operation: "read the file", errno: EISDIR))
        }
        let size = Int(status.st_size)
        // An empty file cannot be mapped.
        guard size >= 8 else { throw SafetensorsError(url.path, .tooShort(bytes: size)) }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else {
            throw SafetensorsError(url.path, .system(operation: "map the file", errno: errno))
        }
        return UnsafeRawBufferPointer(start: address, count: size)
    }

    private static func readHeader(
        _ file: UnsafeRawBufferPointer
    ) throws(SafetensorsError.Problem) -> ([StoredTensor], [String: String], dataStart: Int) {
        let declared = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard declared <= headerLimit else { throw .headerTooLong(bytes: declared) }
        let length = Int(declared)
        guard length <= file.count - 8 else {
            throw .headerTruncated(declared: length, available: file.count - 8)
        }
        var parser = HeaderParser(UnsafeRawBufferPointer(rebasing: file[8..<8 + length]))
        let (entries, metadata) = try parser.parse()
        let available = file.count - 8 - length
        var tensors: [StoredTensor] = []
        var end = 0
        let ordered = entries.sorted {
            ($0.1.start, $0.1.end, $0.name) < ($1.1.start, $1.1.end, $1.name)
        }
        for (name, entry) in ordered {
            guard let type = ElementType(rawValue: entry.type) else {
                throw .unknownType(tensor: name, type: entry.type)
            }
            guard entry.end <= available else {
                throw .outOfBounds(tensor: name, end: entry.end, available: available)
            }
            guard entry.start == end else {
                throw .misplaced(tensor: name, start: entry.start, expected: end)
            }
            guard type.byteCount(of: entry.shape) == entry.end - entry.start else {
                throw .sizeMismatch(
                    tensor: name, type: type, shape: entry.shape, bytes: entry.end - entry.start)
            }
            end = entry.end
            tensors.append(
                StoredTensor(name: name, type: type, shape: entry.shape, range: entry.start..<entry.end))
        }
        guard end == available else { throw .trailingBytes(available - end) }
        return (tensors, metadata, 8 + length)
    }
}
