internal import Foundation

/// Executes a finished stage again, in a scratch folder, and compares what it makes with what is in the store.
public struct Replay: Sendable {
    /// What came of one replay.
    public struct Outcome: Codable, Hashable, Sendable {
        /// The node.
        public var node: String
        /// The run whose pipeline it was made by.
        public var run: String
        /// The artifact's key.
        public var artifact: String
        /// The content files that came out with other bytes, that are missing or new; empty when all is the same.
        public var files: [String]
        /// Processor, libraries, threads and so on that are not what they were.
        public var numerics: [KeyDifference]
        /// The seconds it took.
        public var seconds: Double

        /// Whether every byte is the same.
        public var isSame: Bool { files.isEmpty }
    }

    /// A finished stage that can be executed again.
    public struct Candidate: Sendable {
        /// The run whose pipeline made it, or had it last.
        public let run: String
        /// The node's name.
        public let node: String
        let index: Int
        let graph: Graph
        let record: ArtifactRecord
    }

    private let store: Store
    private let options: ExecutionOptions

    /// Creates a replay in a store; `options` say how the stages are executed, each on as many threads as it was.
    public init(_ store: Store, options: ExecutionOptions = ExecutionOptions()) {
        self.store = store
        self.options = options
    }

    /// The artifacts that were made on a CPU by stages of this catalogue, and whose pipeline is known.
    ///
    /// A stage that has another revision by now, or whose data is no longer as it was, is left out.
    public func candidates(_ catalog: [any Stage.Type]) -> [Candidate] {
        let history = RunHistory(store)
        var seen = Set<String>()
        var candidates: [Candidate] = []
        for id in history.identifiers() {
            guard let spec = try? history.pipeline(of: id), let graph = try? Graph(spec, catalog: catalog)
            else { continue }
            for (index, node) in graph.nodes.enumerated() {
                guard let folder = history.artifact(of: node.name, run: id),
                    let record = try? ArtifactRecord.read(at: folder), seen.insert(record.key).inserted,
                    record.numerics?["device"] ?? "cpu" == "cpu",
                    key(of: node, in: graph, record) == record.key
                else { continue }
                candidates.append(
                    Candidate(run: id, node: node.name, index: index, graph: graph, record: record))
            }
        }
        return candidates
    }

    /// The key that the node has today, with what the artifact was made from.
    private func key(of node: Graph.Node, in graph: Graph, _ record: ArtifactRecord) -> String? {
        guard let content = try? graph.externalContent(of: node, digests: store.digests),
            node.inputs.count == record.inputs.count,
            record.inputs.allSatisfy({ store.disk.exists(store.artifactPath($0.key)) })
        else { return nil }
        var components = KeyComponents(of: node, in: graph, externalContent: content)
        components.add(record.inputs, of: node)
        return components.key
    }

    /// Executes a stage again and compares.
    public func run(_ candidate: Candidate) throws -> Outcome {
        let (node, record) = (candidate.graph.nodes[candidate.index], candidate.record)
        var options = options
        // Sums over so many threads have other last digits than over fewer; what loads images changes nothing.
        if let threads = record.numerics?["threads"].flatMap({ Int($0) }), threads > 0 {
            options.threads = threads
        }
        let scratch = ScratchExecution(
            store: store, graph: candidate.graph, node: node, inputs: record.inputs, options: options)
        let start = monotonicSeconds()
        let files = try scratch.run(record.key) { try differences(between: record, and: $0, of: node) }
        return Outcome(
            node: node.name, run: candidate.run, artifact: record.key,
            files: files,
            numerics: Planner.differences(from: record.numerics ?? [:], to: options.facts),
            seconds: rounded(monotonicSeconds() - start))
    }

    private func differences(
        between record: ArtifactRecord, and output: String, of node: Graph.Node
    ) throws -> [String] {
        let kind = type(of: node.stage).outputType
        // As when it is published: hidden files are what was being written, unless the files are not Retort's.
        let made = try store.disk.files(below: output).filter { path in
            let isHidden = path.split(separator: "/").last?.first == "."
            return !kind.allRecords.contains(path) && path != ArtifactRecord.fileName
                && (kind.isForeign || !isHidden)
        }
        var digests: [String: String] = [:]
        for file in made { digests[file] = try SHA256.digest(of: URL(filePath: "\(output)/\(file)")) }
        for file in record.files where file.role == .content {
            if digests[file.path] == file.sha256 { digests[file.path] = nil } else { digests[file.path] = "" }
        }
        return digests.keys.sorted()
    }
}
