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
/// A file is read without a lock. What a crash left of a line is passed over and told in ``warnings``; any other line
/// that is no mark is an error.
public struct Marks: Hashable, Sendable {
    /// Every line, in order.
    public private(set) var entries: [MarkEntry] = []
    /// The line that counts, by image.
    private var last: [String: Int] = [:]
    private var lineCount = 0
    /// The bytes that have been read.
    public private(set) var length = 0
    /// Whether the last line has no end yet: then more bytes may belong to it.
    public private(set) var isOpen = false
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
        try read(lines, from: file)
    }

    /// Takes in what follows the bytes that have been read, the last line of which must not have been open.
    /// - Throws: a `Diagnostic` that names the file and the line that is no mark.
    public mutating func read(_ more: Data, from file: URL) throws {
        precondition(!isOpen, "an open line is continued: this is a bug in Retort")
        length += more.count
        isOpen = more.last.map { $0 != UInt8(ascii: "\n") } ?? false
        let decoder = JSONDecoder()
        var lines = more.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if !isOpen { lines.removeLast() }
        for line in lines {
            lineCount += 1
            if line.isEmpty { continue }
            if let entry = try? decoder.decode(MarkEntry.self, from: line) {
                add(entry)
            } else if line.first == UInt8(ascii: "{"), line.last != UInt8(ascii: "}") {
                warnings.append("\(file.path):\(lineCount): the line stops short and is passed over")
            } else {
                throw Diagnostic(
                    "this line is no mark", at: SourceLocation(file.path, lineCount, 1),
                    hint: #"a line is {"id": "<content id>", "mark": "#
                        + Mark.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: "|") + "}",
                    exitCode: .badData)
            }
        }
    }

    /// Adds a decision, as a further line would.
    public mutating func add(_ entry: MarkEntry) {
        last[entry.id] = entries.count
        entries.append(entry)
    }

    /// Adds a decision of nobody in particular.
    public mutating func set(_ id: String, _ mark: Mark) { add(MarkEntry(id: id, mark: mark)) }

    /// The decision about an image; nil where there is none, or none any more.
    public subscript(id: String) -> Mark? {
        last[id].map { entries[$0].mark }.flatMap { $0 == .none ? nil : $0 }
    }

    /// Everything that was said of an image, in order.
    public func history(of id: String) -> [MarkEntry] { entries.filter { $0.id == id } }

    /// The images with a decision, `unsure` included, by id.
    public var all: [(id: String, mark: Mark)] {
        last.keys.sorted().compactMap { id in self[id].map { (id, $0) } }
    }

    /// The decisions that change a choice, by id: what a curation depends on.
    public var effective: [(id: String, mark: Mark)] { all.filter(\.mark.isEffective) }

    /// How many images have each mark.
    public var counts: [Mark: Int] { Dictionary(all.map { ($0.mark, 1) }, uniquingKeysWith: +) }
}
