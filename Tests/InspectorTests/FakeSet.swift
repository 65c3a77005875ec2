import Foundation
import TestSupport

@testable import Inspector

/// A small transfer set in a folder, the same bytes each time; nothing in it was computed.
struct FakeSet {
    let folder: URL
    var classes = ["apple", "bus", "camel"]
    var queriesPerClass = 4
    var perQuery = 5
    /// What each image's file name begins with.
    var prefix = "pool-000000.tar#"
    /// Whether `leakage.json` has the form with tiers.
    var hasTiers = true
    /// What the first queries say, where they are texts and no images.
    var texts: [String] = []
    /// Moves the choice along each query's neighbours: two sets with different shifts differ.
    var shift = 0

    init(_ folder: URL) { self.folder = folder }

    static func id(_ number: Int) -> String {
        let digits = String(UInt64(number + 1) &* 0x9e37_79b9_7f4a_7c15, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// Below 1, falling with the rank, and nowhere twice the same.
    static func similarity(query: Int, rank: Int) -> Double {
        0.9 - 0.02 * Double(rank) - 0.001 * Double(query % 17) - 0.000_01 * Double(query)
    }

    func query(_ number: Int) -> String { "query\(number)" }

    var queryCount: Int { classes.count * queriesPerClass }
    var count: Int { queryCount * perQuery }

    @discardableResult
    func write() throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var rows: [[String: Any]] = []
        var queries: [[String: Any]] = []
        for query in 0..<queryCount {
            let name = classes[query / queriesPerClass]
            var neighbours: [[String: Any]] = []
            for rank in 1...(perQuery + 4) {
                let number = query * (perQuery + 4) + rank - 1
                let isSelected = rank > shift && rank <= perQuery + shift
                let source = "pool/\(prefix)\(number).jpg"
                let similarity = Self.similarity(query: query, rank: rank)
                neighbours.append([
                    "id": Self.id(number), "source": source, "similarity": similarity, "rank": rank,
                    "selected": isSelected,
                ])
                guard isSelected else { continue }
                rows.append([
                    "id": Self.id(number), "source": source, "dataset": "pool",
                    "member": "\(prefix)\(number).jpg", "width": 32 + rank, "height": 32,
                    "query": self.query(query), "query_class": name, "rank": rank, "similarity": similarity,
                    "reason": "neighbour \(rank) of its query",
                ])
            }
            var line: [String: Any] = [
                "id": self.query(query), "source": "target/train/\(name)/\(query).png", "class": name,
                "label": query / queriesPerClass, "neighbours": neighbours,
            ]
            if texts.indices.contains(query) {
                line["class"] = nil
                line.merge(["text": texts[query], "source": "words/\(texts[query])"]) { $1 }
            }
            queries.append(line)
        }
        try lines(rows, "transfer-set.jsonl")
        try lines(queries, "queries.jsonl")
        try lines(
            (0..<7).map { number in
                [
                    "id": Self.id(9_000 + number), "source": "pool/\(prefix)d\(number).jpg",
                    "step": number < 4 ? "dedup" : "leakage", "reason": number < 4 ? "a duplicate" : "a leak",
                    "other": "pool/\(prefix)\(number).jpg", "similarity": 0.99,
                ]
            }, "dropped.jsonl")
        try json(
            [
                ["step": "pool", "kept": 400, "dropped": 0, "note": "all"],
                ["step": "dedup", "kept": 396, "dropped": 4, "note": "one of each"],
                ["step": "leakage", "kept": 393, "dropped": 3],
                ["step": "final", "kept": count, "dropped": 393 - count, "note": "query-balanced"],
            ], "funnel.json")
        try json(
            ["edges": [0.0, 0.25, 0.5, 0.75, 1.0], "candidates": [3, 30, 40, 5], "test": [0, 2, 9, 6]],
            "similarity.json")
        try json(leakage, "leakage.json")
        try json(
            ["node": "curate", "inputs": [["name": "exclude", "node": "target", "selector": "test"]]],
            "artifact.json")
        try Data((classes.joined(separator: "\n") + "\n").utf8).write(
            to: folder.appending(path: "classes.txt"))
        return folder
    }

    private var leakage: [String: Any] {
        func pair(_ number: Int, _ tier: String) -> [String: Any] {
            [
                "id": Self.id(9_004 + number), "source": "pool/\(prefix)d\(4 + number).jpg",
                "other": "target/test/\(number).png", "similarity": 0.985, "split": "test", "tier": tier,
            ]
        }
        guard hasTiers else {
            return [
                "exact": 0, "near": 0, "excluded_exact": 1, "excluded_near": 2, "threshold": 0.98,
                "pairs": [pair(0, "exact"), pair(1, "embedding")],
            ]
        }
        return [
            "exact": 1, "perceptual": 1, "embedding": 1, "threshold": 0.97,
            "calibration": ["quantile": 0.999, "queries": 200],
            "excluded": [pair(0, "exact"), pair(1, "perceptual")], "queued": [pair(2, "embedding")],
        ]
    }

    private func lines(_ rows: [[String: Any]], _ name: String) throws {
        var data = Data()
        for row in rows {
            data += try JSONSerialization.data(withJSONObject: row, options: [.sortedKeys]) + Data("\n".utf8)
        }
        try data.write(to: folder.appending(path: name))
    }

    private func json(_ value: Any, _ name: String) throws {
        try JSONSerialization.data(withJSONObject: value).write(to: folder.appending(path: name))
    }
}

/// A fake set with a site on it, and with a server if a test asks for one.
final class Inspected {
    let folder: TemporaryFolder
    let fake: FakeSet
    let site: Site
    let options: InspectorServer.Options
    static let token = "00112233445566778899aabbccddeeff"

    init(search: PoolSearch? = nil, _ change: (inout FakeSet) -> Void = { _ in }) throws {
        folder = try TemporaryFolder()
        let root = folder.url
        var fake = FakeSet(root.appending(path: "store/this"))
        change(&fake)
        try fake.write()
        var other = FakeSet(root.appending(path: "store/other"))
        other.shift = 1
        try other.write()
        options = InspectorServer.Options(
            artifact: fake.folder, marks: root.appending(path: "marks/curate.jsonl"),
            audit: root.appending(path: "audit/curate.jsonl"))
        self.fake = fake
        site = Site(
            try InspectedSet(fake.folder), other: try InspectedSet(other.folder),
            marks: try MarksFile(options.marks, user: "tester"),
            audit: AuditFile(options.audit, user: "tester"),
            access: AccessControl(token: Self.token, port: 4321), thumbnails: Self.picture, search: search)
    }

    /// The answer to a request of the site's own page.
    func get(_ target: String) throws -> Response {
        site.respond(to: try Request("GET", target, headers: Self.headers))
    }

    func post(_ target: String, _ body: String, _ more: [String: String] = [:]) throws -> Response {
        site.respond(
            to: try Request(
                "POST", target, headers: Self.headers.merging(more) { $1 }, body: Data(body.utf8)))
    }

    static let headers = [
        "host": "127.0.0.1:4321", "cookie": "retort-4321=\(token)", "sec-fetch-site": "same-origin",
    ]

    /// A grey square, whatever is asked for; nothing for what is not in the pool or the target.
    static let picture: ThumbnailCache.Source = { dataset, _, _ in
        ["pool", "target"].contains(dataset) ? pixel : nil
    }

    static let pixel =
        Data(
            base64Encoded:
                "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////"
                + "////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/"
                + "2gAIAQEAAD8AP//Z") ?? Data()
}

extension Response {
    var bodyText: String { String(decoding: body, as: UTF8.self) }
}
