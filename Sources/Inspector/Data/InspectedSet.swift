import Diagnostics
import Foundation
import Report

/// A curated transfer set, as its files tell it: small files whole, large ones as tables.
final class InspectedSet: Sendable {
    let folder: URL
    /// The node that made it.
    let name: String
    let table: TransferTable
    let queries: QueryTable
    /// From how many queries on an image that is near to them counts as a hub.
    let hubLimit: Int
    let dropped: DroppedTable
    let funnel: [FunnelStep]
    let similarity: SimilarityCounts?
    let leakage: LeakageFindings?
    /// The classes in the order of `classes.txt`, then the others.
    let classes: [String]
    /// What the set was compared with, as the pipeline file names it; nil when that is not recorded.
    let comparedWith: [String]?
    /// How unsure the teacher was of each row (entropy, nats; not a number where it was not asked); nil without labels.
    let entropies: [Float]?

    /// Opens the artifact of a `curate` stage, or a folder that holds at least `transfer-set.jsonl`.
    ///
    /// `entropies` are a teacher's by content id.
    init(_ folder: URL, entropies: [String: Double]? = nil) throws {
        self.folder = folder
        let table = try TransferTable(folder)
        self.table = table
        self.entropies = entropies.map { known in
            var values = [Float](repeating: .nan, count: table.count)
            for (id, entropy) in known {
                if let row = table.row(of: id) { values[row] = Float(entropy) }
            }
            return values
        }
        queries = try QueryTable(folder)
        hubLimit = queries.hubLimit
        dropped = try DroppedTable(folder)
        funnel = try Self.json("funnel.json", in: folder) ?? []
        similarity = try Self.json("similarity.json", in: folder)
        leakage = try Self.json("leakage.json", in: folder)
        let record: Record? = try Self.json("artifact.json", in: folder)
        name = record?.node ?? folder.lastPathComponent
        comparedWith = record?.inputs.map { inputs in
            inputs.filter { $0.name == "exclude" }.map { $0.node + ($0.selector.map { ".\($0)" } ?? "") }
        }
        let listed =
            (try? String(contentsOf: folder.appending(path: "classes.txt"), encoding: .utf8))?
            .split(separator: "\n").map(String.init) ?? []
        let present = Set(table.classNames)
        classes = listed.filter(present.contains) + present.subtracting(listed).sorted()
    }

    /// Whether there is anything to certify: comparing with nothing finds nothing.
    var isChecked: Bool { leakage != nil && comparedWith?.isEmpty != true }

    /// Where an image lies that any file of the artifact tells of; nil for all others.
    func place(of id: String) throws -> ImageReference? {
        if let row = table.row(of: id) { return try table.image(row).image }
        // A text is no image, and has no place.
        if let number = queries.number(of: id), queries.entries[number].text == nil {
            return ImageReference(id: id, source: queries.entries[number].source)
        }
        if let place = try queries.place(of: id) { return place }
        if let image = try dropped.images(of: id).first { return image.image }
        return leakage?.places[id]
    }

    /// Whether an image can be marked: it is in the pool, as far as the artifact tells.
    func isPoolImage(_ id: String) throws -> Bool {
        if table.row(of: id) != nil || !queries.queries(near: id).isEmpty { return true }
        return try !dropped.images(of: id).isEmpty || leakage?.pairs.contains { $0.id == id } == true
    }

    private struct Record: Decodable {
        struct Input: Decodable {
            var name: String
            var node: String
            var selector: String?
        }
        var node: String?
        var inputs: [Input]?
    }

    private static func json<Value: Decodable>(_ name: String, in folder: URL) throws -> Value? {
        let file = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))
        } catch {
            throw Diagnostic(
                "cannot read '\(file.path)': \(error)",
                hint: "the artifact is damaged; run the stage that made it again", exitCode: .badData)
        }
    }
}
