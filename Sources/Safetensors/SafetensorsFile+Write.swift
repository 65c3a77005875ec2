public import Foundation

/// A tensor to be written; its bytes are asked for only when their turn comes.
public struct TensorToStore {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let type: ElementType
    /// The sizes of the dimensions; empty for a scalar.
    public let shape: [Int]
    /// Gives the elements in C order, little-endian.
    public let bytes: () throws -> [UInt8]

    /// Creates a tensor whose bytes are made when they are written.
    public init(_ name: String, _ type: ElementType, _ shape: [Int], bytes: @escaping () throws -> [UInt8]) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// Creates a float32 tensor.
    public init(_ name: String, _ shape: [Int], _ values: [Float]) {
        self.init(name, .float32, shape) { values.withUnsafeBytes { [UInt8]($0) } }
    }

    /// Creates an int64 tensor.
    public init(_ name: String, _ shape: [Int], _ values: [Int64]) {
        self.init(name, .int64, shape) { values.withUnsafeBytes { [UInt8]($0) } }
    }
}

extension SafetensorsFile {
    /// Writes a file whose bytes depend on nothing but the arguments, and not on the order of the tensors.
    ///
    /// Tensors are laid out as the reference implementation does, widest type first and then by name. The file
    /// appears under its name only when all of it is on the disk.
    public static func write(
        _ tensors: [TensorToStore], metadata: [String: String] = [:], to url: URL
    ) throws {
        let order = Dictionary(uniqueKeysWithValues: zip(ElementType.allCases, 0...))
        let tensors = tensors.sorted { (order[$0.type] ?? 0, $0.name) < (order[$1.type] ?? 0, $1.name) }
        let header = try header(of: tensors, metadata, file: url.path)
        try writeAtomically(to: url) { write in
            try write(header)
            for tensor in tensors {
                let bytes = try tensor.bytes()
                guard bytes.count == tensor.type.byteCount(of: tensor.shape) else {
                    throw SafetensorsError(
                        url.path,
                        .sizeMismatch(
                            tensor: tensor.name, type: tensor.type, shape: tensor.shape, bytes: bytes.count))
                }
                try write(bytes)
            }
        }
    }

    private static func header(
        of tensors: [TensorToStore], _ metadata: [String: String], file: String
    ) throws(SafetensorsError) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0)):\(quoted($1))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var names: Set<String> = []
        var start = 0
        for tensor in tensors {
            guard tensor.name != "__metadata__" else {
                throw SafetensorsError(file, .reservedName(tensor.name))
            }
            guard names.insert(tensor.name).inserted else {
                throw SafetensorsError(file, .duplicateName(tensor.name))
            }
            guard let count = tensor.type.byteCount(of: tensor.shape) else {
                throw SafetensorsError(
                    file, .sizeMismatch(tensor: tensor.name, type: tensor.type, shape: tensor.shape, bytes: 0)
                )
            }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(start),\(start + count)]}")
            start += count
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        // Padding keeps the data aligned for every element type.
        text += [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) } + text
    }

    /// The text as a JSON string, escaped as little as JSON allows.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case ..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Writes beside `url`, flushes to the disk, and only then renames.
    private static func writeAtomically(
        to url: URL, _ body: (_ write: ([UInt8]) throws(SafetensorsError) -> Void) throws -> Void
    ) throws {
        let directory = url.deletingLastPathComponent()
        let name = ".\(url.lastPathComponent).\(UInt64.random(in: 0...UInt64.max)).tmp"
        let temporary = directory.appending(path: name).path
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        func check(_ succeeded: Bool, _ operation: String) throws(SafetensorsError) {
            guard succeeded else {
                throw SafetensorsError(url.path, .system(operation: operation, errno: errno))
            }
        }
        try check(descriptor >= 0, "create the file")
        var isOpen = true
        do {
            try body { bytes throws(SafetensorsError) in
                var written = 0
                while written < bytes.count {
                    let count = bytes.withUnsafeBytes {
                        Foundation.write(
                            descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
                    }
                    if count < 0, errno == EINTR { continue }
                    try check(count >= 0, "write the file")
                    written += count
                }
            }
            try check(fsync(descriptor) == 0, "flush the file")
            isOpen = false
            try check(close(descriptor) == 0, "close the file")
            try check(rename(temporary, url.path) == 0, "rename the file")
        } catch {
            if isOpen { close(descriptor) }
            unlink(temporary)
            throw error
        }
        // Makes the rename itself durable; a file system that cannot flush folders loses nothing by it.
        let folder = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
