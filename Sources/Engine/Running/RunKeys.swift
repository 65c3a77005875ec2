internal import Diagnostics
internal import Foundation

/// The key that a node had in a run; one line of `runs/<id>/keys.jsonl`.
struct NodeKey: Codable, Hashable {
    var node: String
    var key: String
    var components: [String: String]
    /// The nodes behind the components that are inputs: `input.teacher` → `teacher`.
    var producers: [String: String]

    init(_ node: Graph.Node, in graph: Graph, key: String, components: [String: String]) {
        self.node = node.name
        self.key = key
        self.components = components
        let names = KeyComponents.names(of: node.inputs, node)
        producers = Dictionary(
            zip(names, node.inputs.map { graph.nodes[$0.producer].name }),
            uniquingKeysWith: { first, _ in first })
    }
}

/// What a node's key was made of in a run.
public struct NodeComponents: Hashable, Sendable {
    /// The components, by name: `setting.epochs` → `3`.
    public var components: [String: String]
    /// The nodes behind the components that are inputs: `input.teacher` → `teacher`.
    public var producers: [String: String]
}

/// How the key of a stage differs between two runs.
public struct KeyComparison: Encodable, Sendable {
    /// The stage's name.
    public var stage: String
    /// The components that differ.
    public var differences: [KeyDifference]
    /// How many components are the same.
    public var same: Int
    /// The comparisons of the stages behind inputs that differ.
    public var upstream: [KeyComparison]
}

extension RunHistory {
    /// Compares the key of a stage in two runs, and where its inputs differ, those of the stages behind them.
    ///
    /// - Throws: a `Diagnostic` when a run knows no key for the stage.
    public func compareKeys(of stage: String, _ old: String, _ new: String) throws -> KeyComparison {
        let before = try keys(of: old)
        let after = try keys(of: new)
        for (id, keys) in [(old, before), (new, after)] where keys[stage] == nil {
            throw Diagnostic(
                "the run \(id) has no key for '\(stage)'",
                hint: stage.didYouMean(keys.keys.sorted())
                    ?? "the stage was not reached, or the run is an old one",
                exitCode: .inputMissing)
        }
        var seen: Set<String> = []
        return Self.compare(stage, before, after, &seen)
    }

    /// What the keys of a run's nodes were made of, as far as the run came; nothing for a run of an early version.
    public func keyComponents(of id: String) throws -> [String: NodeComponents] {
        try keys(of: id).mapValues { NodeComponents(components: $0.components, producers: $0.producers) }
    }

    /// The key that a node had in a run; nil when it was not reached, or the run is of an early version.
    func key(of node: String, run id: String) throws -> String? { try keys(of: id)[node]?.key }

    private static func compare(
        _ stage: String, _ before: [String: NodeKey], _ after: [String: NodeKey], _ seen: inout Set<String>
    ) -> KeyComparison {
        seen.insert(stage)
        guard let old = before[stage], let new = after[stage] else {
            let word = before[stage] == nil ? "is not in the older run" : "is not in the newer run"
            return KeyComparison(stage: stage, differences: [.note(word)], same: 0, upstream: [])
        }
        let differences = Planner.differences(from: old.components, to: new.components)
        let names = differences.compactMap { new.producers[$0.component] ?? old.producers[$0.component] }
        var upstream: [KeyComparison] = []
        for name in names where !seen.contains(name) { upstream.append(compare(name, before, after, &seen)) }
        let all = Set(old.components.keys).union(new.components.keys).count
        return KeyComparison(
            stage: stage, differences: differences, same: all - differences.count, upstream: upstream)
    }

    private func keys(of id: String) throws -> [String: NodeKey] {
        let file = folder(of: id).appending(path: RunFolder.keys).path
        guard FileManager.default.fileExists(atPath: file) else { return [:] }
        return Dictionary(
            try readLines(of: file, as: NodeKey.self).map { ($0.node, $0) }, uniquingKeysWith: { $1 })
    }
}
