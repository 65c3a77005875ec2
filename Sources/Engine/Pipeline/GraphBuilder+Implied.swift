internal import Diagnostics

extension GraphBuilder {
    /// Adds the nodes that others imply, each before the first one that reads it.
    mutating func addImpliedNodes() {
        for name in nodeSpecs.map(\.name) {
            guard let node = resolved[name], let implied = node.type.implied(by: given(node)) else {
                continue
            }
            addImplied(implied, by: node)
        }
    }

    /// What the pipeline file says at a node: the written values, and the first of those that the matrix varies.
    private func given(_ node: Resolved) -> [String: PipelineValue] {
        var given: [String: PipelineValue] = [:]
        for entry in node.spec.entries where !entry.value.isNull { given[entry.key] = entry.value }
        for axis in node.axes {
            given[axis.name] = axis.values.first.map { PipelineValue(.scalar($0), at: axis.location) }
        }
        return given
    }

    private mutating func addImplied(_ implied: ImpliedNode, by node: Resolved) {
        var node = node
        let place = node.spec.nameLocation
        let taken = implied.moved.union(implied.shared)
        var entries = node.spec.entries.filter { taken.contains($0.key) }
        entries += implied.settings.sorted { $0.key < $1.key }.map {
            PipelineEntry($0.key, at: place, PipelineValue(.scalar($0.value), at: place))
        }
        let axes = node.axes.filter { taken.contains($0.name) }
        let name = "\(node.spec.name)-\(implied.suffix)"
        let signature = Self.signature(implied.uses, entries, axes)
        if impliedNodes[signature] == nil {
            guard !nodeSpecs.contains(where: { $0.name == name }) else {
                report(
                    Diagnostic(
                        "'\(node.spec.name)' (\(node.spec.uses)) brings along a node '\(name)', and another "
                            + "node has that name",
                        at: place, hint: "rename one of them, or give '\(implied.input)' yourself"))
                return
            }
            let uses = implied.uses.description
            guard let type = types[uses] else {
                preconditionFailure("'\(node.spec.uses)' implies '\(uses)', no stage: this is a Retort bug")
            }
            let spec = NodeSpec(name, at: place, uses: uses, at: node.spec.usesLocation, entries: entries)
            // It is executed under the terms of the node that brings it, but is worth keeping by itself.
            var terms = node.terms
            terms.isEphemeral = false
            resolved[name] = Resolved(
                spec: spec, type: type, schema: StageSchema(type), axes: axes, terms: terms,
                unknownKeys: node.unknownKeys)
            let index = nodeSpecs.firstIndex { $0.name == node.spec.name } ?? nodeSpecs.endIndex
            nodeSpecs.insert(spec, at: index)
            impliedNodes[signature] = name
        }
        node.spec.entries.removeAll { implied.moved.contains($0.key) || $0.key == implied.input }
        node.spec.entries.append(
            PipelineEntry(
                implied.input, at: place,
                PipelineValue(.scalar(impliedNodes[signature] ?? name), at: place)))
        node.axes.removeAll { implied.moved.contains($0.name) }
        resolved[node.spec.name] = node
    }

    /// What an implied node is to do, as text: equal texts mean one node.
    private static func signature(
        _ uses: StageName, _ entries: [PipelineEntry], _ axes: [MatrixAxis]
    ) -> String {
        let values = entries.sorted { $0.key < $1.key }.map { "\($0.key)=\(meaning($0.value))" }
        return "\(uses)\(values)\(axes.map(\.name))"
    }

    private static func meaning(_ value: PipelineValue) -> String {
        switch value.content {
        case .scalar(let text): return text.debugDescription
        case .list(let values): return "\(values.map(meaning))"
        case .map(let entries): return "{\(entries.map { "\($0.key): \(meaning($0.value))" })}"
        }
    }
}
