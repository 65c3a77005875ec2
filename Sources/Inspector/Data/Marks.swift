import Diagnostics
import Foundation

/// What a person says of an image.
enum Mark: String, Codable, Hashable, Sendable, CaseIterable {
    case accept, reject, duplicate, leak, unsure
    /// Takes the mark back.
    case none

    /// The key that sets it.
    var key: String {
        switch self {
        case .accept: "a"
        case .reject: "r"
        case .duplicate: "d"
        case .leak: "l"
        case .unsure: "?"
        case .none: "u"
        }
    }

    /// The marks that say something.
    static let judgements = allCases.filter { $0 != .none }

    /// Whether `curate` never takes an image that is marked so.
    var excludes: Bool { [.reject, .duplicate, .leak].contains(self) }
}

/// A line of a marks file.
struct MarkEntry: Codable, Hashable, Sendable {
    var id: String
    var mark: Mark
    /// ISO 8601 in UTC.
    var time: String
    var by: String
    var note: String?

    /// Reads a line; who and when may be missing from one that another program wrote.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(String.self, forKey: .id)
        mark = try values.decode(Mark.self, forKey: .mark)
        time = try values.decodeIfPresent(String.self, forKey: .time) ?? ""
        by = try values.decodeIfPresent(String.self, forKey: .by) ?? ""
        note = try values.decodeIfPresent(String.self, forKey: .note)
    }

    init(_ id: String, _ mark: Mark, time: String, by: String, note: String? = nil) {
        self.id = id
        self.mark = mark
        self.time = time
        self.by = by
        self.note = note
    }
}

/// The marks of a file: every line, and what holds for each image.
struct Marks: Sendable {
    private(set) var entries: [MarkEntry] = []
    private var last: [String: Int] = [:]
    /// Whether the file holds half a line, which was passed over.
    private(set) var hasTornLine = false
    private var lineCount = 0
    /// How many bytes of the file have been read, up to the end of the last whole line.
    private(set) var length = 0

    init() {}

    /// Reads a marks file; one that is not there has no marks.
    init(file: URL) throws {
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        try read(try Data(contentsOf: file), from: file)
    }

    /// Takes in what follows the bytes that have been read.
    mutating func read(_ more: Data, from file: URL) throws {
        let decoder = JSONDecoder()
        var rest = more[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lineCount += 1
            let text = rest[..<end]
            rest = rest[(end + 1)...]
            length += text.count + 1
            if text.isEmpty { continue }
            do {
                add(try decoder.decode(MarkEntry.self, from: text))
            } catch {
                // What a crash left of a line, ended by another program before it appended.
                if text.first == UInt8(ascii: "{"), text.last != UInt8(ascii: "}") {
                    hasTornLine = true
                    continue
                }
                throw Diagnostic(
                    "this line is not a mark", at: SourceLocation(file.path, lineCount, 1),
                    hint: "a line is {\"id\", \"mark\", \"time\", \"by\"}; remove it or mend it",
                    exitCode: .badData)
            }
        }
        if !rest.isEmpty { hasTornLine = true }
    }

    mutating func add(_ entry: MarkEntry) {
        last[entry.id] = entries.count
        entries.append(entry)
    }

    /// What holds for an image; nil when nothing was said, or it was taken back.
    subscript(id: String) -> Mark? {
        guard let entry = last[id].map({ entries[$0] }), entry.mark != .none else { return nil }
        return entry.mark
    }

    /// Everything that was said of an image, in order.
    func history(of id: String) -> [MarkEntry] { entries.filter { $0.id == id } }

    /// The images with a mark, `unsure` included, in order of their ids.
    var all: [(id: String, mark: Mark)] {
        last.keys.sorted().compactMap { id in self[id].map { (id, $0) } }
    }

    /// What `curate` heeds: every image whose mark has an effect, in order of their ids.
    var effective: [(id: String, mark: Mark)] { all.filter { $0.mark != .unsure } }

    /// How many images have each mark.
    var counts: [Mark: Int] { Dictionary(all.map { ($0.mark, 1) }, uniquingKeysWith: +) }

    /// Adds lines to a file: whole ones, even if several programs write at the same time, and safe from a power cut.
    static func append(_ new: [MarkEntry], to file: URL) throws {
        try AppendedLines(file).append(new)
    }
}

/// A file of JSON lines to which several programs may append at the same time.
struct AppendedLines {
    private let file: URL

    init(_ file: URL) { self.file = file }

    /// Writes all rows with one call, under a lock that other programs of Retort heed.
    func append(_ rows: [some Encodable]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        for row in rows { lines += try encoder.encode(row) + Data("\n".utf8) }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let descriptor = open(file.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw problem }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 { guard errno == EINTR else { throw problem } }
        try dropTornLine(descriptor)
        let written = lines.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == lines.count, fsync(descriptor) == 0 else { throw problem }
    }

    /// Cuts off what a crash left of a line: completed by a newline, it would be a damaged line for good.
    private func dropTornLine(_ descriptor: Int32) throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw problem }
        var end = Int(status.st_size)
        var byte: UInt8 = 0
        while end > 0, pread(descriptor, &byte, 1, off_t(end - 1)) == 1, byte != UInt8(ascii: "\n") {
            end -= 1
        }
        guard end == Int(status.st_size) || ftruncate(descriptor, off_t(end)) == 0 else { throw problem }
    }

    private var problem: Diagnostic {
        Diagnostic(
            "cannot write '\(file.path)': \(String(cString: strerror(errno)))",
            hint: "marks need a folder that can be written: --marks FILE names another", exitCode: .io)
    }
}
