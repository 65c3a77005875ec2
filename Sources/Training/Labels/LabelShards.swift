internal import Diagnostics
public import Foundation
internal import Layers
internal import Safetensors
internal import Synchronization
public import Tensors

/// The stored answers of a teacher: rows of tensors in safetensors files, mapped into memory when they are read.
///
/// Every file holds the answers about equally many images, the views of an image next to each other. Threads may
/// read at once. At most `mappedBytes` of files (and one) are mapped at a time, so the resident memory does not grow
/// with the number of rows; what is unmapped stays in the system's page cache as long as there is room.
public final class LabelShards: Sendable {
    private struct Mapped {
        var files: [Int: SafetensorsFile] = [:]
        /// The numbers of the mapped files, the one mapped first in front.
        var order: [Int] = []
        var bytes = 0
    }

    /// A tensor's rows.
    private struct Column: Hashable {
        var type: ElementType
        var shape: [Int]
        var rowBytes: Int
    }

    /// Views of each image.
    public let viewsPerImage: Int
    /// The number of classes; zero for a teacher without a classifier.
    public let classCount: Int
    /// How the predictions are stored.
    public let form: PredictionForm
    /// The number of features; nil where none are stored.
    public let featureWidth: Int?

    /// The name of the features' tensor, and of the number of classes in a file's metadata.
    public static let (features, classCountKey) = ("features", "class_count")
    /// The most files that are mapped at a time: the system allows a process 65,530 mappings.
    private static let mappedFiles = 4096

    private let location: @Sendable (Int) -> URL
    private let rowsPerShard: Int
    private let columns: [String: Column]
    private let mappedLimit: Int
    private let mapped = Mutex(Mapped())

    /// Opens files, of which the first one tells what all hold.
    ///
    /// - Parameter location: the file with that number, from zero.
    public init(
        imagesPerShard: Int, mappedBytes: Int = 512 << 20, at location: @escaping @Sendable (Int) -> URL
    ) throws {
        let first = try SafetensorsFile(location(0))
        columns = Dictionary(uniqueKeysWithValues: first.tensors.map { ($0.name, Self.column(of: $0)) })
        viewsPerImage = first.tensors.first.map { $0.shape.count > 1 ? $0.shape[1] : 1 } ?? 1
        let width = first[PredictionForm.allLogits]?.shape.last ?? 0
        classCount = first.metadata[Self.classCountKey].flatMap { Int($0) } ?? width
        form = first[PredictionForm.topLogits].map { .topK($0.shape.last ?? 0) } ?? .logits
        featureWidth = first[Self.features]?.shape.last
        rowsPerShard = imagesPerShard * viewsPerImage
        mappedLimit = mappedBytes
        self.location = location
    }

    /// The names of the stored tensors.
    public var names: [String] { columns.keys.sorted() }

    /// The bytes that are mapped now.
    public var mappedBytes: Int { mapped.withLock { $0.bytes } }

    /// Rows of a stored tensor, one below the other.
    public func tensor(_ name: String, rows: [Int]) throws -> Tensor {
        let column = try column(name)
        guard let dtype = DType(column.type) else {
            throw SafetensorsError(
                location(0).path, .unknownType(tensor: name, type: column.type.rawValue))
        }
        return try bytes(name, rows: rows).withUnsafeBytes {
            try Tensor(bytes: $0, shape: [rows.count] + column.shape, dtype: dtype)
        }
    }

    /// The logits of rows, fp32 `[n, K]`; where only the largest are stored, the others as ``PredictionForm`` says.
    public func logits(rows: [Int]) throws -> AnswerRows {
        guard case .topK = form else {
            return AnswerRows(
                bytes: try bytes(PredictionForm.allLogits, rows: rows), dtype: .float32, width: classCount)
        }
        let classes = try bytes(PredictionForm.topClasses, rows: rows)
        let isByte = try column(PredictionForm.topClasses).type == ElementType.uint8
        let dense = PredictionForm.densify(
            top: Self.values(try bytes(PredictionForm.topLogits, rows: rows), Float.self),
            classes: isByte ? classes.map(Int.init) : Self.values(classes, Int32.self).map(Int.init),
            rest: Self.values(try bytes(PredictionForm.rest, rows: rows), Float.self), classCount: classCount)
        return AnswerRows(
            bytes: dense.withUnsafeBytes { [UInt8]($0) }, dtype: .float32, width: classCount)
    }

    /// The features of rows, fp16 `[n, D]`.
    public func features(rows: [Int]) throws -> AnswerRows {
        AnswerRows(
            bytes: try bytes(Self.features, rows: rows), dtype: .float16, width: featureWidth ?? 0)
    }

    /// Calls `body` with the tensors of every file in turn.
    public func forEachShard(of count: Int, _ body: ([String: Tensor]) throws -> Void) throws {
        for number in 0..<count { try body(SafetensorsFile(location(number)).state()) }
    }

    // MARK: - Bytes

    private func bytes(_ name: String, rows: [Int]) throws -> [UInt8] {
        let size = try column(name).rowBytes
        return try [UInt8](unsafeUninitializedCapacity: rows.count * size) { buffer, count in
            var target = UnsafeMutableRawBufferPointer(buffer)[...]
            for row in rows {
                let (shard, place) = row.quotientAndRemainder(dividingBy: rowsPerShard)
                let file = try file(shard)
                try file.withBytes(of: name) { bytes in
                    guard (place + 1) * size <= bytes.count else {
                        throw SafetensorsError(
                            file.url.path, .tooShort(bytes: bytes.count))
                    }
                    UnsafeMutableRawBufferPointer(rebasing: target.prefix(size)).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[place * size..<(place + 1) * size]))
                }
                target = target.dropFirst(size)
            }
            count = rows.count * size
        }
    }

    /// A file, mapped for as long as the caller holds it.
    private func file(_ number: Int) throws -> SafetensorsFile {
        if let known = mapped.withLock({ $0.files[number] }) { return known }
        let file = try SafetensorsFile(location(number))
        for (name, column) in columns {
            let own = try Self.column(of: file.tensor(name))
            guard own == column else {
                throw SafetensorsError(
                    file.url.path, .wrongType(tensor: name, found: own.type, expected: column.type))
            }
        }
        return mapped.withLock { mapped in
            // Another thread may have been faster.
            if let known = mapped.files[number] { return known }
            while let oldest = mapped.order.first,
                mapped.bytes + file.dataBytes > mappedLimit || mapped.order.count >= Self.mappedFiles
            {
                mapped.order.removeFirst()
                mapped.bytes -= mapped.files.removeValue(forKey: oldest)?.dataBytes ?? 0
            }
            mapped.files[number] = file
            mapped.order.append(number)
            mapped.bytes += file.dataBytes
            return file
        }
    }

    private func column(_ name: String) throws -> Column {
        guard let column = columns[name] else {
            throw SafetensorsError(location(0).path, .noSuchTensor(name, hint: name.didYouMean(columns.keys)))
        }
        return column
    }

    /// What a stored tensor `[images, views, …]` holds for each view.
    private static func column(of tensor: StoredTensor) -> Column {
        let shape = Array(tensor.shape.dropFirst(2))
        return Column(
            type: tensor.type, shape: shape, rowBytes: shape.reduce(tensor.type.byteCount, *))
    }

    private static func values<Value: BitwiseCopyable>(_ bytes: [UInt8], _ type: Value.Type) -> [Value] {
        bytes.withUnsafeBytes { bytes in
            // An array of bytes need not be aligned for its values, so they are copied and not rebound.
            let count = bytes.count / MemoryLayout<Value>.stride
            return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                initialized = count
            }
        }
    }
}

extension SafetensorsFile {
    /// The bytes of all tensors.
    fileprivate var dataBytes: Int { tensors.last?.range.upperBound ?? 0 }
}

/// Answers for the views of a batch, as bytes that any thread may make.
public struct AnswerRows: Sendable {
    let bytes: [UInt8]
    let dtype: DType
    let width: Int

    /// Some of the rows as fp32 `[n, width]`.
    public func tensor(_ rows: Range<Int>) throws -> Tensor {
        let size = width * dtype.byteCount
        return try bytes.withUnsafeBytes { bytes in
            let part = UnsafeRawBufferPointer(
                rebasing: bytes[rows.lowerBound * size..<rows.upperBound * size])
            return try Tensor(bytes: part, shape: [rows.count, width], dtype: dtype).to(.float32)
        }
    }
}
