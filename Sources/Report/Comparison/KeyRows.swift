import Engine

/// What the keys of several runs' stages differ in.
struct KeyRows {
    private(set) var settings: [RunComparison.SettingRow] = []
    /// Inputs whose contents differ: they follow from what stands in `settings`.
    private(set) var consequences: [RunComparison.SettingRow] = []
    private(set) var same = 0

    init(_ runs: [ComparedRun]) {
        for family in RunComparison.families(runs) {
            let nodes = runs.map { $0.nodes(of: family) }
            if nodes.contains(where: \.isEmpty) {
                settings.append(
                    .init(stage: family, component: "stage", values: nodes.map { $0.first?.stage }))
            }
            compare(family, nodes.map { Self.values($0, Self.families) }, isWiring: true)
            compare(family, nodes.map { Self.values($0, \.components) }, isWiring: false)
        }
    }

    /// The stages that a node reads, without their seeds, by input.
    private static func families(of node: ReportedRun.Node) -> [String: String] {
        node.producers.mapValues { Graph.Node.family(of: $0) }
    }

    /// The distinct values of every component over the seeds of a stage, in their order; nil where the run has no such
    /// stage, or did not come to it.
    private static func values(
        _ nodes: [ReportedRun.Node], _ part: (ReportedRun.Node) -> [String: String]
    ) -> [String: String]? {
        guard nodes.contains(where: { !$0.components.isEmpty }) else { return nil }
        var values: [String: [String]] = [:]
        for node in nodes {
            for (name, value) in part(node) where !values[name, default: []].contains(value) {
                values[name, default: []].append(value)
            }
        }
        return values.mapValues { $0.joined(separator: ", ") }
    }

    /// Compares where a stage's inputs come from, or the components of its key.
    private mutating func compare(_ stage: String, _ runs: [[String: String]?], isWiring: Bool) {
        let present = runs.compactMap(\.self)
        guard present.count > 1 else { return }
        let names = Set(present.flatMap(\.keys)).sorted()
        for name in names {
            let values = runs.map { $0?[name] }
            guard Set(present.map { $0[name] }).count > 1 else {
                if !isWiring { same += 1 }
                continue
            }
            let row = RunComparison.SettingRow(
                stage: stage, component: Self.label(name, isWiring: isWiring),
                values: values.map { $0.map(Self.shown) })
            if !isWiring, name.hasPrefix("input.") { consequences.append(row) } else { settings.append(row) }
        }
    }

    /// `setting.epochs` → `epochs`, `external.images` → `external images`; of a wiring, `input.teacher` → `teacher from`.
    private static func label(_ component: String, isWiring: Bool) -> String {
        let parts = component.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count > 1 else { return component }
        if isWiring { return "\(parts[1]) from" }
        return parts[0] == "setting" ? parts[1] : "\(parts[0]) \(parts[1])"
    }

    /// A value as people read it: of digests, their beginnings.
    private static func shown(_ value: String) -> String {
        value.split(separator: ", ", omittingEmptySubsequences: false).map { part in
            if part.count >= 64, part.prefix(64).allSatisfy(\.isHexDigit) { return String(part.prefix(12)) }
            return part.hasSuffix(".0") && Double(part) != nil ? String(part.dropLast(2)) : String(part)
        }.joined(separator: ", ")
    }
}
