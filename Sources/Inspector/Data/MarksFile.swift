import Diagnostics
import Foundation
import Search
import Synchronization

/// The marks file of an inspected set: reads what others append, too, and appends.
final class MarksFile: Sendable {
    let url: URL
    private let user: String
    private let marks = Mutex(Marks())

    init(_ url: URL, user: String = ProcessInfo.processInfo.userName) throws {
        self.url = url
        self.user = user
        _ = try current()
    }

    /// The marks as they are now, with what other programs have appended since.
    func current() throws -> Marks {
        try marks.withLock { marks in
            guard let handle = try? FileHandle(forReadingFrom: url) else {
                marks = Marks()
                return marks
            }
            defer { try? handle.close() }
            let size = Int(try handle.seekToEnd())
            // Somebody has replaced or cut the file, or gone on with a line that had no end: begin anew.
            if size < marks.length || (marks.isOpen && size > marks.length) { marks = Marks() }
            if size > marks.length {
                try handle.seek(toOffset: UInt64(marks.length))
                try marks.read(try handle.readToEnd() ?? Data(), from: url)
            }
            return marks
        }
    }

    /// Marks an image, and returns the mark that it had.
    @discardableResult
    func set(_ mark: Mark, of id: String, note: String? = nil) throws -> Mark? {
        let previous = try current()[id]
        try AppendedLines(url).append([
            MarkEntry(id: id, mark: mark, time: Date().formatted(.iso8601), by: user, note: note)
        ])
        return previous
    }
}
