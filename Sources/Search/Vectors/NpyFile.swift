internal import CKernels
internal import Diagnostics
public import Foundation
internal import Tensors

/// A NumPy array on disk, read piece by piece.
///
/// The pieces are read rather than mapped: the resident memory stays at one block however large the file is, and a
/// file that is cut off behind our back is an error and not a signal.
public final class NpyFile: VectorSource, Sendable {
    /// What the file says about its array.
    public let header: NpyHeader
    /// The file's name.
    public let name: String
    private let handle: FileHandle
    private let start: Int

    /// Opens a file and checks that it holds what its header promises.
    public init(_ file: URL) throws {
        name = file.lastPathComponent
        guard let handle = try? FileHandle(forReadingFrom: file) else {
            throw Diagnostic("cannot open '\(file.path)'", exitCode: .inputMissing)
        }
        self.handle = handle
        (header, start) = try NpyHeader.decode(handle.read(upToCount: 65_536 + 12) ?? Data(), name: name)
        let size = Int(try handle.seekToEnd())
        let expected = start + header.count * header.type.size
        guard size == expected else {
            throw Diagnostic(
                "'\(name)' has \(size) bytes where its header promises \(expected)",
                hint: size < expected ? "the file was cut off: write it again" : nil, exitCode: .badData)
        }
    }

    /// The first dim of the array.
    public var count: Int { header.shape.first ?? 1 }
    /// The number of elements for each index of the first dim.
    public var dimension: Int { header.shape.dropFirst().reduce(1, *) }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        let elements = rows.lowerBound * dimension..<rows.upperBound * dimension
        switch header.type {
        case .float32: try readNumbers(elements, into: buffer)
        case .float16 where ck_available(): try readNumbers(elements, into: buffer)
        case .float16:
            try withScratch(of: UInt16.self, elements) { halves in
                for (place, half) in halves.enumerated() { buffer[place] = Float(halfBits: half) }
            }
        case .float64:
            try withScratch(of: Double.self, elements) { doubles in
                for (place, double) in doubles.enumerated() { buffer[place] = Float(double) }
            }
        }
    }

    /// Reads on several threads, since a copy from the system's cache is slower than a search for few queries.
    private func readNumbers(_ elements: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        let offset = start + elements.lowerBound * header.type.size
        let status = ck_read_numbers(
            handle.fileDescriptor, Int64(offset), Int64(elements.count), header.type == .float16,
            buffer.baseAddress, Int32(Torch.threads))
        guard status != 0 else { return }
        throw unreadable(status > 0 ? status : nil)
    }

    private func unreadable(_ code: Int32?) -> Diagnostic {
        let reason = code.map { String(cString: strerror($0)) } ?? "it was cut off while it was read"
        return Diagnostic("cannot read '\(name)': \(reason)", exitCode: .io)
    }

    private func withScratch<Element>(
        of type: Element.Type, _ elements: Range<Int>, _ body: (UnsafeMutableBufferPointer<Element>) -> Void
    ) throws {
        let scratch = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        defer { scratch.deallocate() }
        try readBytes(of: elements, into: UnsafeMutableRawBufferPointer(scratch))
        body(scratch)
    }

    private func readBytes(of elements: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            let offset = start + elements.lowerBound * header.type.size + done
            let count = pread(
                handle.fileDescriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
                off_t(offset))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw unreadable(count == 0 ? nil : errno) }
            done += count
        }
    }
}

extension Float {
    /// Widens an IEEE half without the slow library call that x86-64's baseline would make.
    init(halfBits half: UInt16) {
        let magnitude = UInt32(half & 0x7fff) << 13
        // Rebias the exponent by a multiplication, which is exact and treats subnormals alike.
        var bits = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
        if half & 0x7c00 == 0x7c00 { bits = magnitude | 0x7f80_0000 }
        self.init(bitPattern: bits | UInt32(half & 0x8000) << 16)
    }
}
