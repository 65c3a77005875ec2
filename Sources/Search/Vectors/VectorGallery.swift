internal import Diagnostics
public import Foundation
internal import Glibc

/// Embeddings that somebody has on disk: a NumPy file, a folder of them, or a clip-retrieval folder.
///
/// Files come in the order of their names, in which numbers count as numbers: `img_emb_2.npy` is before
/// `img_emb_10.npy`. Rows are numbered through all files in that order.
public struct VectorGallery: VectorSource, Sendable {
    /// The rows.
    public let vectors: ShardedVectors
    /// The file of each shard.
    public let files: [URL]
    /// The folder that holds `img_emb`, ids and metadata; nil for plain files.
    public let folder: URL?

    /// Opens what `path` names: an `.npy`, a folder of them, a folder with `img_emb/`, or a pattern with `*` or `?`.
    /// - Throws: a `Diagnostic` where nothing is found, where there are no rows, and for files that are no rows.
    public init(_ path: String) throws {
        (files, folder) = try Self.find(path)
        let name = (folder ?? URL(filePath: path)).lastPathComponent
        vectors = try ShardedVectors(files, name: name)
        guard vectors.count > 0, vectors.dimension > 0 else {
            throw Diagnostic("'\(path)' holds no vectors", exitCode: .badData)
        }
    }

    /// The number of rows in all files.
    public var count: Int { vectors.count }
    /// The number of values in a row.
    public var dimension: Int { vectors.dimension }
    /// What error messages call the rows.
    public var name: String { vectors.name }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        try vectors.read(rows, into: buffer)
    }

    /// The file, and the row in it.
    public func place(of row: Int) -> String { vectors.place(of: row) }

    private static func find(_ path: String) throws -> (files: [URL], folder: URL?) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            guard path.contains(where: { "*?[".contains($0) }) else {
                throw Diagnostic("there is no '\(path)'", exitCode: .inputMissing)
            }
            let matches = matches(of: path)
            guard !matches.isEmpty else {
                throw Diagnostic(
                    "nothing matches '\(path)'", hint: "write the pattern in quotes: 'shards/*.npy'",
                    exitCode: .inputMissing)
            }
            return (sorted(matches), nil)
        }
        let url = URL(filePath: path)
        guard isFolder.boolValue else { return ([url], nil) }
        let embeddings = url.appending(path: "img_emb")
        let inner = arrays(in: embeddings)
        if !inner.isEmpty { return (inner, url) }
        let outer = arrays(in: url)
        guard !outer.isEmpty else {
            throw Diagnostic(
                "'\(path)' holds neither *.npy nor img_emb/*.npy", exitCode: .inputMissing)
        }
        return (outer, url.lastPathComponent == "img_emb" ? url.deletingLastPathComponent() : nil)
    }

    private static func arrays(in folder: URL) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return sorted(names.filter { $0.hasSuffix(".npy") }.map { folder.appending(path: $0) })
    }

    private static func matches(of pattern: String) -> [URL] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { place in
            found.gl_pathv[place].map { URL(filePath: String(cString: $0)) }
        }
    }

    private static func sorted(_ files: [URL]) -> [URL] {
        files.map { (key: NaturalName($0.path), file: $0) }.sorted { $0.key < $1.key }.map(\.file)
    }
}

/// A name whose runs of digits compare as numbers.
struct NaturalName: Comparable {
    private enum Part: Comparable {
        case number(digits: Int, String)
        case text(String)
    }

    private let parts: [Part]
    private let name: String

    init(_ name: String) {
        self.name = name
        var parts: [Part] = []
        var rest = name[...]
        while let first = rest.first {
            let isNumber = first.isASCII && first.isNumber
            let run = rest.prefix { ($0.isASCII && $0.isNumber) == isNumber }
            let digits = run.drop { $0 == "0" }
            parts.append(isNumber ? .number(digits: digits.count, String(digits)) : .text(String(run)))
            rest = rest[run.endIndex...]
        }
        self.parts = parts
    }

    static func < (a: NaturalName, b: NaturalName) -> Bool {
        for (x, y) in zip(a.parts, b.parts) where x != y { return x < y }
        return a.parts.count != b.parts.count ? a.parts.count < b.parts.count : a.name < b.name
    }
}
