internal import Diagnostics
public import Foundation

/// What a person decided about an image of a pool.
public enum Mark: String, Codable, Hashable, Sendable, CaseIterable {
    /// It belongs in the transfer set.
    case accept
    /// It does not.
    case reject
    /// It repeats an image that is there.
    case duplicate
    /// It repeats an image that the student is measured on.
    case leak
    /// Nobody can tell yet.
    case unsure
    /// The mark before this one is taken back.
    case none

    /// Whether a marked image is never chosen.
    public var rulesOut: Bool { self == .reject || self == .duplicate || self == .leak }
    /// Whether the mark changes a choice at all.
    public var isEffective: Bool { rulesOut || self == .accept }
}

/// A line of a file of marks.
public struct MarkEntry: Codable, Hashable, Sendable {
    /// The content id of the image.
    public var id: String
    /// The decision.
    public var mark: Mark
    /// When it was made, ISO 8601 in UTC.
    public var time: String?
    /// Who made it.
    public var by: String?
    /// Why.
    public var note: String?

    /// Creates a line.
    public init(id: String, mark: Mark, time: String? = nil, by: String? = nil, note: String? = nil) {
        self.id = id
        self.mark = mark
        self.time = time
        self.by = by
        self.note = note
    }
}

/// The decisions of a file of marks: JSON lines that are only ever appended to, of which the last of an image counts.
///
/// Several programs may append at once (``append(_:to:)`` locks the file), and a file is read without a lock. What a
/// crash left of a line is passed over and told in ``warnings``; any other line that is no mark is an error.
public struct Marks: Hashable, Sendable {
    private var marks: [String: Mark] = [:]
    /// Lines that were passed over, with their places.
    public private(set) var warnings: [String] = []

    /// No marks.
    public init() {}

    /// Reads a file; one that is not there holds no marks.
    /// - Throws: a `Diagnostic` that names the file and the line that is no mark.
    public init(file: URL) throws {
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        let lines: Data
        do { lines = try Data(contentsOf: file) } catch {
            throw Diagnostic("cannot read the marks '\(file.path)': \(error)", exitCode: .inputMissing)
        }
        try read(lines, name: file.path)
    }

    /// Reads lines; `name` is what errors call them.
    private mutating func read(_ data: Data, name: String) throws(Diagnostic) {
        let decoder = JSONDecoder()
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.isEmpty {
            if let entry = try? decoder.decode(MarkEntry.self, from: line) {
                marks[entry.id] = entry.mark
            } else if line.first == UInt8(ascii: "{"), line.last != UInt8(ascii: "}") {
                warnings.append("\(name):\(number + 1): the line stops short and is passed over")
            } else {
                throw Diagnostic(
                    "this line is no mark", at: SourceLocation(name, number + 1, 1),
                    hint: #"a line is {"id": "<content id>", "mark": "#
                        + Mark.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: "|") + "}",
                    exitCode: .badData)
            }
        }
    }

    /// The decision about an image; nil where there is none, or none any more.
    public subscript(id: String) -> Mark? { marks[id].flatMap { $0 == .none ? nil : $0 } }

    /// The decisions that change a choice, by id: what a curation depends on.
    public var effective: [(id: String, mark: Mark)] {
        marks.filter(\.value.isEffective).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Sets a decision, as a further line would.
    public mutating func set(_ id: String, _ mark: Mark) { marks[id] = mark }

    /// Appends a line, all of it or nothing, while no one else writes; what a crash left of a line is ended first.
    public static func append(_ entry: MarkEntry, to file: URL) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var line = try encoder.encode(entry)
        line.append(UInt8(ascii: "\n"))
        let descriptor = open(file.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("open", file) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("lock", file) }
        }
        let end = lseek(descriptor, 0, SEEK_END)
        var last = UInt8(ascii: "\n")
        if end > 0, pread(descriptor, &last, 1, end - 1) != 1 { throw failure("read", file) }
        if last != UInt8(ascii: "\n") { line.insert(UInt8(ascii: "\n"), at: line.startIndex) }
        let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.count else { throw failure("write", file) }
        guard fsync(descriptor) == 0 else { throw failure("write", file) }
    }

    private static func failure(_ operation: String, _ file: URL) -> Diagnostic {
        Diagnostic(
            "cannot \(operation) the marks '\(file.path)': \(String(cString: strerror(errno)))",
            exitCode: .io)
    }
}
