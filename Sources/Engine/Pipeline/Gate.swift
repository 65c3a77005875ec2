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

    /// Finds the number in an artifact: in its counts, its facts, `metrics.json`, or the file named like the
    /// first word of the path.
    func value(in directory: URL, record: ArtifactRecord) -> Double? {
        let whole = path.joined(separator: ".")
        if let count = record.counts[whole] { return Double(count) }
        if let fact = record.facts[whole]?.double ?? JSON.object(record.facts).number(at: path[...]) {
            return fact
        }
        func number(in file: String, at path: ArraySlice<String>) -> Double? {
            guard record.files.contains(where: { $0.path == file }),
                let data = try? Data(contentsOf: directory.appending(path: file))
            else { return nil }
            return (try? JSONDecoder().decode(JSON.self, from: data))?.number(at: path)
        }
        return number(in: "metrics.json", at: path[...])
            ?? number(in: "\(path[0]).json", at: path.dropFirst())
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
            let path = reference.selector
        else {
            report(
                Diagnostic(
                    "'\(spec.text)' is not a condition", at: spec.location,
                    hint: "write 'node.path.to.number == 0', with one of == != <= >= < >"))
            return nil
        }
        let meant = nodes.indices.filter { index in
            nodes[index].spec.name == reference.node
                && reference.point.allSatisfy { nodes[index].matrix[$0.key] == $0.value }
        }
        if meant.isEmpty {
            // A node that could not be resolved has been reported as such.
            if !nodeSpecs.contains(where: { $0.name == reference.node }) {
                reportUnknown(reference.node, at: spec.location)
            }
            return nil
        }
        return Gate(
            text: spec.text, location: spec.location, nodes: meant,
            path: path.split(separator: ".").map(String.init), comparator: comparator, bound: bound)
    }
}
