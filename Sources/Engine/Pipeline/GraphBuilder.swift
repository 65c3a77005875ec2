internal import Diagnostics

/// Turns a pipeline specification into nodes, collecting every problem on the way.
///
/// First each node of the file is resolved: its stage kind, which of its entries are references to other nodes, and
/// what nodes it implies. Then, in an order in which producers come first, every node is expanded along the matrix and bound.
struct GraphBuilder {
    /// A node of the file whose stage kind is known.
    struct Resolved {
        var spec: NodeSpec
        var type: any Stage.Type
        var schema: StageSchema
        var axes: [MatrixAxis] = []
        var terms = NodeTerms()
        /// The inputs and settings about whose values nothing is known.
        var unknownKeys: Set<String> = []

        /// Whether an entry can be judged: its value is known, or else its key is none.
        func knows(_ entry: PipelineEntry) -> Bool {
            !unknownKeys.contains(entry.key) || !schema.keys.contains(entry.key)
        }
    }

    let spec: PipelineSpec
    let types: [String: any Stage.Type]
    /// What was reported before.
    let gaps: PipelineGaps
    var problems = Problems()
    /// The nodes of the file, and those they imply.
    var nodeSpecs: [NodeSpec]
    var resolved: [String: Resolved] = [:]
    /// The names of implied nodes, by what they do.
    var impliedNodes: [String: String] = [:]
    var nodes: [Graph.Node] = []
    /// The most nodes that a graph may have: more are a slip of the pen, which nobody should have to wait for.
    static let mostNodes = 100_000
    /// Whether the matrix makes more.
    var isTooLarge = false
    /// The indices in `nodes` of every node of the file, over all points of the matrix.
    var instances: [String: [Int]] = [:]
    /// The indices in `nodes` by name with point.
    var instancesByName: [String: Int] = [:]
    /// The nodes of the file whose instances do not all vary along the same axes.
    var variesInAxes: Set<String> = []
    private var reported: Set<Diagnostic> = []

    init(_ spec: PipelineSpec, catalog: [any Stage.Type], gaps: PipelineGaps = PipelineGaps()) {
        self.spec = spec
        self.gaps = gaps
        nodeSpecs = spec.nodes
        types = Dictionary(catalog.map { ($0.name.description, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func build() -> [Graph.Node] {
        resolveNodes()
        resolveMatrix()
        addImpliedNodes()
        let order = sortedNames()
        checkReferences()
        if order.count == resolved.count {
            for name in order { expand(name) }
        } else {
            // Nobody need wait for the circle to be undone to learn what else is wrong.
            for name in nodeSpecs.map(\.name) { checkSettings(of: name) }
        }
        checkLeakage()
        return nodes
    }

    /// Reports a problem once, however many points of the matrix have it.
    mutating func report(_ problem: Diagnostic) {
        if reported.insert(problem).inserted { problems.report(problem) }
    }

    private mutating func resolveNodes() {
        var places: [String: SourceLocation] = [:]
        for node in nodeSpecs {
            if let first = places[node.name] {
                report(
                    Diagnostic(
                        "two nodes are named '\(node.name)'", at: node.nameLocation,
                        hint: "the other one is at \(first)"))
                continue
            }
            places[node.name] = node.nameLocation
            if !NodeReference.isName(node.name) {
                report(
                    Diagnostic(
                        "'\(node.name)' cannot name a node", at: node.nameLocation,
                        hint: "use letters, digits, '-' and '_'"))
            }
            guard let type = types[node.uses] else {
                let fitting = types.filter { $0.value.section == node.section }.keys
                report(
                    Diagnostic(
                        "unknown stage kind '\(node.uses)'", at: node.usesLocation,
                        hint: node.uses.didYouMean(types.keys)
                            ?? "the section '\(node.section.rawValue)' knows \(fitting.sorted().joined(separator: ", "))"
                    ))
                continue
            }
            if type.section != node.section {
                report(
                    Diagnostic(
                        "'\(node.uses)' belongs in the section '\(type.section.rawValue)'",
                        at: node.usesLocation))
            }
            let schema = StageSchema(type)
            let unknownKeys = unknownKeys(of: node.name, schema)
            var found = Problems()
            let terms = NodeTerms(
                node.entries.filter { !unknownKeys.contains($0.key) }, problems: &found)
            for problem in found.all { report(problem) }
            if let jobs = terms.resources.jobs, jobs > 1, type.sharing != .parts {
                let divided = types.values.filter { $0.sharing == .parts }.map { "\($0.name)" }.sorted()
                report(
                    Diagnostic(
                        "'\(node.uses)' cannot be divided among \(jobs) jobs",
                        at: node.entries.first { $0.key == "resources" }?.value.location ?? node.nameLocation,
                        hint: divided.isEmpty ? nil : "\(divided.joined(separator: ", ")) can"))
            }
            var spec = node
            spec.entries.removeAll { NodeTerms.keys.contains($0.key) }
            spec.entries = type.arranged(
                spec.entries, of: node.name, nodes: gaps.nodes.union(nodeSpecs.map(\.name)))
            resolved[node.name] = Resolved(
                spec: spec, type: type, schema: schema, terms: terms, unknownKeys: unknownKeys)
        }
    }

    private mutating func resolveMatrix() {
        var seen: Set<String> = []
        for axis in spec.matrix {
            if !seen.insert(axis.name).inserted {
                report(Diagnostic("two axes of the matrix are named '\(axis.name)'", at: axis.location))
                continue
            }
            if axis.values.isEmpty {
                report(Diagnostic("the matrix axis '\(axis.name)' has no values", at: axis.location))
                continue
            }
            if Set(axis.values).count < axis.values.count {
                report(Diagnostic("the matrix axis '\(axis.name)' has a value twice", at: axis.location))
                continue
            }
            let declaring = nodeSpecs.map(\.name).filter {
                resolved[$0]?.schema.keys.contains(axis.name) ?? false
            }
            for name in axis.to ?? declaring {
                guard let node = resolved[name] else {
                    if !isDeclared(name) { reportUnknown(name, at: axis.location) }
                    continue
                }
                guard node.schema.keys.contains(axis.name) else {
                    report(
                        Diagnostic(
                            "the matrix axis '\(axis.name)' is no setting of '\(name)' (\(node.spec.uses))",
                            at: axis.location,
                            hint: axis.name.didYouMean(node.schema.keys, among: "settings and inputs")))
                    continue
                }
                resolved[name]?.axes.append(axis)
            }
            // A node that could not be resolved may have it.
            let isKnown = resolved.count == nodeSpecs.count && gaps.nodes.isEmpty && !gaps.hidesNodes
            if axis.to == nil && declaring.isEmpty && isKnown {
                report(Diagnostic("no node has a setting '\(axis.name)' to vary", at: axis.location))
            }
        }
    }

    mutating func reportUnknown(_ name: String, at location: SourceLocation, in input: String? = nil) {
        let prefix = input.map { "\($0): " } ?? ""
        report(
            Diagnostic(
                "\(prefix)unknown node '\(name)'", at: location, hint: name.didYouMean(nodeSpecs.map(\.name))
            ))
    }

    /// The values of an input, in a list or alone.
    static func references(_ value: PipelineValue) -> [PipelineValue] {
        if case .list(let values) = value.content { values } else { value.isNull ? [] : [value] }
    }

    /// The nodes a node reads at any point of the matrix, with the places that say so.
    private func producers(of node: Resolved) -> [(name: String, location: SourceLocation)] {
        let inputs = Set(node.schema.inputs.map(\.name))
        let varied = Set(node.axes.map(\.name))
        var values = node.axes.filter { inputs.contains($0.name) }
            .flatMap { axis in axis.values.map { PipelineValue(.scalar($0), at: axis.location) } }
        for entry in node.spec.entries where inputs.contains(entry.key) && !varied.contains(entry.key) {
            values += Self.references(entry.value)
        }
        return values.compactMap { value in
            value.scalar.flatMap(NodeReference.init).map { ($0.node, value.location) }
        }
    }

    /// The names of the resolved nodes, producers first; nodes on a cycle are left out and reported.
    private mutating func sortedNames() -> [String] {
        var order: [String] = []
        var waiting = nodeSpecs.map(\.name).filter { resolved[$0] != nil }
        waiting = waiting.enumerated().filter { waiting.firstIndex(of: $0.element) == $0.offset }.map(
            \.element)
        let reads = resolved.mapValues { node in
            Set(producers(of: node).map(\.name)).filter { resolved[$0] != nil }
        }
        var done: Set<String> = []
        while let next = waiting.firstIndex(where: { done.isSuperset(of: reads[$0] ?? []) }) {
            let name = waiting.remove(at: next)
            done.insert(name)
            order.append(name)
        }
        if let start = waiting.first { reportCycle(from: start, among: Set(waiting)) }
        return order
    }

    private mutating func reportCycle(from start: String, among names: Set<String>) {
        var path = [start]
        while let node = resolved[path[path.count - 1]],
            let next = producers(of: node).first(where: { names.contains($0.name) })
        {
            if let first = path.firstIndex(of: next.name) {
                let cycle = path[first...] + [next.name]
                report(
                    Diagnostic(
                        "nodes read each other in a circle: \(cycle.joined(separator: " ← "))",
                        at: next.location, hint: "let one of them read something else"))
                return
            }
            path.append(next.name)
        }
    }

    /// Checks everything about references that does not depend on a point of the matrix.
    private mutating func checkReferences() {
        for name in nodeSpecs.map(\.name) {
            guard let node = resolved[name] else { continue }
            let varied = Set(node.axes.map(\.name))
            for input in node.schema.inputs where !node.unknownKeys.contains(input.name) {
                let values: [PipelineValue]
                if let axis = node.axes.first(where: { $0.name == input.name }) {
                    values = axis.values.map { PipelineValue(.scalar($0), at: axis.location) }
                } else if let entry = node.spec.entries.last(where: { $0.key == input.name }) {
                    values = Self.references(entry.value)
                    if case .list = entry.value.content, !input.isList {
                        report(
                            Diagnostic(
                                "\(input.name): one artifact is read, not a list", at: entry.value.location))
                        continue
                    }
                } else {
                    values = []
                }
                if values.isEmpty && !input.isOptional { reportMissing(input.name, input.help, of: node) }
                for value in values { check(value, for: input) }
            }
            for setting in node.schema.settings
            where setting.fallback == nil && !varied.union(node.unknownKeys).contains(setting.name) {
                if !node.spec.entries.contains(where: { $0.key == setting.name }) {
                    reportMissing(setting.name, setting.help, of: node)
                }
            }
        }
    }

    private mutating func reportMissing(_ key: String, _ help: String, of node: Resolved) {
        report(
            Diagnostic(
                "'\(node.spec.name)' (\(node.spec.uses)) needs '\(key)'", at: node.spec.nameLocation,
                hint: "\(key): \(help)"))
    }

    private mutating func check(_ value: PipelineValue, for input: StageSchema.InputDeclaration) {
        guard let reference = value.scalar.flatMap(NodeReference.init) else {
            report(
                Diagnostic(
                    "\(input.name): \(value.phrase) is not the name of a node", at: value.location,
                    hint: "write 'node' or 'node.part'"))
            return
        }
        guard let producer = resolved[reference.node] else {
            // A node whose kind is unknown has been reported as such.
            if !isDeclared(reference.node) {
                reportUnknown(reference.node, at: value.location, in: input.name)
            }
            return
        }
        if !input.accepts.contains(producer.schema.output), !input.accepts.contains(AnyArtifact.kind) {
            report(
                Diagnostic(
                    "\(input.name): '\(reference.node)' is of kind \(producer.schema.output), not "
                        + input.accepts.joined(separator: " or "),
                    at: value.location))
        }
    }
}
