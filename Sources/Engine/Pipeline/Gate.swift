public import Diagnostics
internal import Foundation

/// A condition on results that is checked when a run ends: `curate.leakage.exact == 0`.
public struct Gate: Hashable, Sendable {
    /// The condition, as the user wrote it.
    public let text: String
    /// Where it stands.
    public let location: SourceLocation
    /// The indices of the nodes it is about: all points of the matrix.
    public let nodes: [Int]
    /// The way to the number in the artifact's counts, facts or metrics.
    public let path: [String]
    /// How the number is compared.
    public let comparator: Comparator
    /// What it is compared with.
    public let bound: Double

    /// A comparison.
    public enum Comparator: String, Hashable, Sendable, CaseIterable {
        case equal = "=="
        case unequal = "!="
        case atMost = "<="
        case atLeast = ">="
        case below = "<"
        case above = ">"

        /// Whether two numbers compare as asked.
        public func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .equal: left == right
            case .unequal: left != right
            case .atMost: left <= right
            case .atLeast: left >= right
            case .below: left < right
            case .above: left > right
            }
        }
    }

    /// Whether the condition is about a node of which only the record is left, and its number is not there.
    func misses(_ node: Int, _ record: ArtifactRecord?) -> Bool {
        guard nodes.contains(node), let record else { return false }
        return recorded(in: record) == nil
    }

    /// Finds the number in an artifact: in its counts, its facts, `metrics.json`, or the file named like the
    /// first word of the path.
    ///
    /// Where it is not found, `trouble` says which of the files cannot be read.
    func value(in directory: URL, record: ArtifactRecord) -> (number: Double?, trouble: String?) {
        if let number = recorded(in: record) { return (number, nil) }
        var trouble: String?
        for (file, path) in [("metrics.json", path[...]), ("\(path[0]).json", path.dropFirst())]
        where record.files.contains(where: { $0.path == file }) {
            guard let data = try? Data(contentsOf: directory.appending(path: file)),
                let document = try? JSONDecoder().decode(JSON.self, from: data)
            else {
                trouble = trouble ?? "\(file) is no JSON"
                continue
            }
            if let number = document.number(at: path) { return (number, nil) }
        }
        return (nil, trouble)
    }

    /// Finds the number among the counts and facts that stay known when the artifact itself is dropped.
    private func recorded(in record: ArtifactRecord) -> Double? {
        let whole = path.joined(separator: ".")
        if let count = record.counts[whole] { return Double(count) }
        return record.facts[whole]?.double ?? JSON.object(record.facts).number(at: path[...])
    }
}

extension JSON {
    fileprivate func number(at path: ArraySlice<String>) -> Double? {
        guard let first = path.first else { return double }
        return self[first]?.number(at: path.dropFirst())
    }
}

extension GraphBuilder {
    /// Reads the gates, reporting those that cannot be meant.
    mutating func gates(for nodes: [Graph.Node]) -> [Gate] {
        spec.gates.compactMap { gate(for: $0, nodes) }
    }

    private mutating func gate(for spec: GateSpec, _ nodes: [Graph.Node]) -> Gate? {
        guard let comparator = Gate.Comparator.allCases.first(where: { spec.text.contains($0.rawValue) }),
            let split = spec.text.firstRange(of: comparator.rawValue),
            let bound = Double(spec.text[split.upperBound...].trimmed),
            let reference = NodeReference(spec.text[..<split.lowerBound].trimmed),
            let path = reference.selector, Self.isPath(path)
        else {
            report(
                Diagnostic(
                    "'\(spec.text)' is not a condition", at: spec.location,
                    hint: Self.meantComparator(in: spec.text)
                        ?? "write 'node.path.to.number == 0', with one of == != <= >= < >"))
            return nil
        }
        guard bound.isFinite else {
            report(
                Diagnostic(
                    "'\(spec.text)' compares with what is no finite number", at: spec.location,
                    hint: "write 'node.path.to.number == 0', with one of == != <= >= < >"))
            return nil
        }
        let meant = nodes.indices.filter { index in
            nodes[index].spec.name == reference.node
                && reference.point.allSatisfy { nodes[index].matrix[$0.key] == $0.value }
        }
        if meant.isEmpty {
            // A node that could not be resolved has been reported as such.
            if !isDeclared(reference.node) { reportUnknown(reference.node, at: spec.location) }
            return nil
        }
        return Gate(
            text: spec.text, location: spec.location, nodes: meant,
            path: path.split(separator: ".").map(String.init), comparator: comparator, bound: bound)
    }

    /// Whether a text can lead to a number; signs of comparison are no part of it, but in the brackets of a node's point.
    private static func isPath(_ text: String) -> Bool {
        var isInPoint = false
        for character in text {
            switch character {
            case "[": isInPoint = true
            case "]": isInPoint = false
            case "=" where !isInPoint: return false
            case "<", ">", "!": return false
            default: break
            }
        }
        return !text.split(separator: ".").isEmpty
    }

    /// The hint for a comparison that is written as other languages, or hasty fingers, do.
    private static func meantComparator(in text: String) -> String? {
        let signs = text.split { !"=<>!".contains($0) }.map(String.init)
        guard let sign = signs.last else { return nil }
        let meant = ["=>": ">=", "=<": "<=", "=": "==", "===": "==", "!==": "!=", "=!": "!=", "<>": "!="]
        return meant[sign].map { "did you mean '\($0)'?" }
    }
}
