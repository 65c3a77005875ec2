internal import Diagnostics
public import Foundation

/// Neighbours by a FAISS index, for vectors as they are.
public struct IndexedNeighbours: Sendable {
    /// What the index found.
    public var neighbours: NeighbourTable
    /// The index: its factory string with `auto` resolved, and its parameters.
    public var description: IndexDescription
    /// The seconds that training and adding took.
    public var buildSeconds: Double
    /// The seconds that searching took.
    public var searchSeconds: Double

    /// Searches an index that lies in a file, of ours or of autofaiss's, without reading all of it where it has lists.
    ///
    /// Search parameters are those that were stored beside it (`index.json`, or autofaiss's `index_infos.json`), with
    /// the given ones on top.
    /// - Throws: a ``FaissError`` for a file or a parameter that FAISS refuses, a `Diagnostic` for an index that compares
    ///   distances, or vectors of another length.
    public init(
        _ k: Int, of queries: VectorTable, reading file: URL, parameters: [String: Int] = [:]
    ) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let index = try VectorIndex(reading: file, mapped: true)
        guard try index.comparesInnerProducts else {
            throw Diagnostic(
                "index '\(file.lastPathComponent)' compares distances, and neighbours are found by inner products",
                hint: "build it with FAISS's METRIC_INNER_PRODUCT (autofaiss: --metric_type ip)",
                exitCode: .badData)
        }
        var description = IndexDescription(
            factory: file.lastPathComponent, count: try index.count, dimension: try index.dimension)
        description.parameters = try StoredParameters.beside(file).merging(parameters) { $1 }
        for (name, value) in description.parameters.sorted(by: { $0.key < $1.key }) {
            try index.set(name, to: value)
        }
        let opened = clock.now
        neighbours = NeighbourTable(try index.search(queries, k: k), k: k)
        self.description = description
        buildSeconds = (opened - start).inSeconds
        searchSeconds = (clock.now - opened).inSeconds
    }

    /// Builds an index over a gallery and searches it.
    /// - Throws: a ``FaissError`` for a factory string that FAISS refuses, and what reading throws.
    public init(
        _ k: Int, of queries: VectorTable, in gallery: some VectorSource, factory: String,
        rule: IndexRule = IndexRule()
    ) throws {
        try ExactSearch.checkDimensions(queries, gallery)
        let clock = ContinuousClock()
        let start = clock.now
        let (index, description) = try VectorIndex.build(
            over: gallery, factory: factory, rule: rule, scaled: false)
        let built = clock.now
        neighbours = NeighbourTable(try index.search(queries, k: k), k: k)
        self.description = description
        buildSeconds = (built - start).inSeconds
        searchSeconds = (clock.now - built).inSeconds
    }
}

/// The search parameters that stand beside an index.
private enum StoredParameters {
    private struct Ours: Decodable {
        var parameters: [String: Int]
    }

    private struct Autofaiss: Decodable {
        /// Names and values in a row: `nprobe=16,ht=2048`.
        var parameters: String

        enum CodingKeys: String, CodingKey {
            case parameters = "index_param"
        }
    }

    static func beside(_ file: URL) throws -> [String: Int] {
        func read(_ name: String) throws -> Data? {
            let file = file.deletingLastPathComponent().appending(path: name)
            return FileManager.default.fileExists(atPath: file.path) ? try Data(contentsOf: file) : nil
        }
        if let data = try read("index.json") {
            return try JSONDecoder().decode(Ours.self, from: data).parameters
        }
        guard let data = try read("index_infos.json") else { return [:] }
        let pairs = try JSONDecoder().decode(Autofaiss.self, from: data).parameters.split(separator: ",")
        return pairs.reduce(into: [:]) { result, pair in
            let parts = pair.split(separator: "=")
            if parts.count == 2, let value = Int(parts[1]) { result[String(parts[0])] = value }
        }
    }
}

extension Duration {
    /// This duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
