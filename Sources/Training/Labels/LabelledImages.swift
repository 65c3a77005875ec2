internal import Diagnostics
public import Foundation
internal import Synchronization
public import Vision

/// The images of a set of labels with their views, row by row from a file of JSON lines.
///
/// Only the places of the lines are in memory, eight bytes each, and rows that were read lately, up to a bound:
/// small sets are then parsed once. Threads may read at once.
public final class LabelledImages: Sendable {
    /// One image with its views.
    public struct Row: Codable, Sendable {
        /// The image.
        public var record: ImageRecord
        /// What the teacher saw of it.
        public var views: [ViewParameters]

        /// Creates a row.
        public init(record: ImageRecord, views: [ViewParameters]) {
            self.record = record
            self.views = views
        }
    }

    private struct Kept {
        var rows: [Int: Row] = [:]
        var views = 0
    }

    /// The views of the rows that are kept: some 50 MB with their records.
    private static let keptViews = 1 << 18

    private let file: URL
    private let descriptor: Int32
    private let starts: [Int]
    private let kept = Mutex(Kept())

    /// Opens a file and finds its lines, reading it once in blocks.
    public init(_ file: URL) throws {
        self.file = file
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.damaged(file, String(cString: strerror(errno))) }
        do {
            starts = try Self.lineStarts(descriptor, file)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The number of images.
    public var count: Int { starts.count - 1 }

    /// The image in that place.
    public func row(_ index: Int) throws -> Row {
        if let row = kept.withLock({ $0.rows[index] }) { return row }
        let row = try decode(Row.self, at: index)
        kept.withLock { kept in
            guard kept.views + row.views.count <= Self.keptViews else { return }
            if kept.rows.updateValue(row, forKey: index) == nil { kept.views += row.views.count }
        }
        return row
    }

    /// The content id of the image in that place, without keeping anything.
    public func id(_ index: Int) throws -> String {
        struct Identified: Decodable {
            struct Record: Decodable { var id: String }
            var record: Record
        }
        return try decode(Identified.self, at: index).record.id
    }

    private func decode<Value: Decodable>(_ type: Value.Type, at index: Int) throws -> Value {
        let range = starts[index]..<starts[index + 1]
        var line = Data(count: range.count)
        let read = line.withUnsafeMutableBytes { bytes in
            pread(descriptor, bytes.baseAddress, range.count, off_t(range.lowerBound))
        }
        guard read == range.count else { throw Self.damaged(file, "line \(index + 1) is cut off") }
        do {
            return try JSONDecoder().decode(type, from: line)
        } catch {
            throw Self.damaged(file, "line \(index + 1): \(error)")
        }
    }

    /// Where every line starts, and the end of the file.
    private static func lineStarts(_ descriptor: Int32, _ file: URL) throws -> [Int] {
        var starts = [0]
        var position = 0
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = pread(descriptor, &block, block.count, off_t(position))
            guard count >= 0 else { throw damaged(file, String(cString: strerror(errno))) }
            if count == 0 { break }
            block.withUnsafeBufferPointer { bytes in
                for index in 0..<count where bytes[index] == UInt8(ascii: "\n") {
                    starts.append(position + index + 1)
                }
            }
            position += count
        }
        if starts.last != position { starts.append(position) }
        return starts
    }

    private static func damaged(_ file: URL, _ reason: String) -> Diagnostic {
        Diagnostic(
            "cannot read \(file.path): \(reason)",
            hint: "`retort verify` checks the whole store; a damaged artifact is made anew by `retort run`",
            exitCode: .badData)
    }
}
