internal import Diagnostics

extension GraphBuilder {
    /// Adds a node at every point of the matrix at which it exists.
    ///
    /// A node varies along the axes that apply to it, and along those of the nodes it reads through single
    /// inputs. A list input gathers what the other axes spread.
    mutating func expand(_ name: String) {
        guard let node = resolved[name], fits(node, along: node.axes) else { return }
        for own in points(along: node.axes) {
            let entries = node.spec.entries.filter { entry in !own.contains { $0.axis == entry.key } }
            let varied = node.axes.compactMap { axis -> PipelineEntry? in
                let value = own.first { $0.axis == axis.name }?.value
                return value.map {
                    PipelineEntry(axis.name, at: axis.location, PipelineValue(.scalar($0), at: axis.location))
                }
            }
            let all = entries + varied
            let inherited = inheritedAxes(of: node, entries: all, at: own)
            guard fits(node, along: inherited) else { return }
            for rest in points(along: inherited) {
                let point = spec.matrix.compactMap { axis in (own + rest).first { $0.axis == axis.name } }
                bind(node, entries: all, at: point)
            }
        }
    }

    /// Whether there is room for a node at every point along some axes; where there is not, that is reported, once.
    private mutating func fits(_ node: Resolved, along axes: [MatrixAxis]) -> Bool {
        guard !isTooLarge else { return false }
        let count = count(axes)
        if count <= Self.mostNodes - nodes.count { return true }
        isTooLarge = true
        report(
            Diagnostic(
                "with '\(node.spec.name)' at \(count) points of the matrix, the pipeline has more than "
                    + "\(Self.mostNodes) stages",
                at: axes.last?.location ?? node.spec.nameLocation,
                hint: "vary fewer settings, or give them fewer values"))
        return false
    }

    /// The number of points along some axes; no number is larger than the largest.
    func count(_ axes: [MatrixAxis]) -> Int {
        axes.reduce(1) { product, axis in
            let (next, overflows) = product.multipliedReportingOverflow(by: axis.values.count)
            return overflows ? .max : next
        }
    }

    /// Every combination of the axes' values, the last axis fastest; without axes, the one empty point.
    private func points(along axes: [MatrixAxis]) -> [[Graph.Coordinate]] {
        axes.reduce([[]]) { points, axis in
            points.flatMap { point in
                axis.values.map { point + [Graph.Coordinate(axis: axis.name, value: $0)] }
            }
        }
    }

    private func inheritedAxes(
        of node: Resolved, entries: [PipelineEntry], at own: [Graph.Coordinate]
    ) -> [MatrixAxis] {
        var names: Set<String> = []
        for input in node.schema.inputs where !input.isList {
            guard let value = entries.last(where: { $0.key == input.name })?.value,
                let reference = value.scalar.flatMap(NodeReference.init)
            else { continue }
            for index in candidates(for: reference, at: own) {
                names.formUnion(nodes[index].point.map(\.axis).filter { reference.point[$0] == nil })
            }
        }
        names.subtract(own.map(\.axis))
        return spec.matrix.filter { names.contains($0.name) }
    }

    /// The instances of a referenced node that agree with a point of the matrix.
    private func candidates(for reference: NodeReference, at point: [Graph.Coordinate]) -> [Int] {
        if let only = candidate(for: reference, at: point) { return [only] }
        return (instances[reference.node] ?? []).filter { index in
            let instance = nodes[index]
            return instance.point.allSatisfy { coordinate in
                if let fixed = reference.point[coordinate.axis] { return fixed == coordinate.value }
                return point.first { $0.axis == coordinate.axis }.map { $0.value == coordinate.value } ?? true
            } && reference.point.keys.allSatisfy { axis in instance.point.contains { $0.axis == axis } }
        }
    }

    /// The one instance that agrees with a point which fixes all its axes, found by its name.
    ///
    /// At many points, looking through all instances takes long. Nil where there is none, or where not all instances vary
    /// along the same axes.
    private func candidate(for reference: NodeReference, at point: [Graph.Coordinate]) -> Int? {
        guard let first = instances[reference.node]?.first, !variesInAxes.contains(reference.node) else {
            return nil
        }
        var coordinates: [Graph.Coordinate] = []
        for axis in nodes[first].point.map(\.axis) {
            let own = reference.point[axis] ?? point.first { $0.axis == axis }?.value
            guard let own else { return nil }
            coordinates.append(Graph.Coordinate(axis: axis, value: own))
        }
        let axes = coordinates.map(\.axis)
        guard reference.point.keys.allSatisfy(axes.contains) else { return nil }
        return instancesByName[Graph.Node.name(reference.node, at: coordinates)]
    }

    /// Fills in a stage's settings and finds the instances it reads.
    private mutating func bind(_ node: Resolved, entries: [PipelineEntry], at point: [Graph.Coordinate]) {
        let stage = node.type.init()
        var found = Problems()
        stage.fill(entries.filter { node.knows($0) }, &found)
        let inputs = edges(of: node, entries: entries, at: point)
        for input in node.schema.inputs {
            stage.input(input.name).expect(inputs.count { $0.input == input.name })
        }
        let isComplete = node.schema.settings.allSatisfy { setting in
            setting.fallback != nil || entries.contains { $0.key == setting.name }
        }
        if isComplete && isWhole(node, entries) && found.all.isEmpty {
            validate(stage, inputs, node.spec, &found)
        }
        for problem in found.all { report(problem) }

        var locations = ["uses": node.spec.usesLocation, "kind": node.spec.usesLocation]
        for entry in entries { locations[entry.key] = entry.value.location }
        let name = Graph.Node.name(node.spec.name, at: point)
        if let first = instances[node.spec.name]?.first, nodes[first].point.map(\.axis) != point.map(\.axis) {
            variesInAxes.insert(node.spec.name)
        }
        instances[node.spec.name, default: []].append(nodes.count)
        instancesByName[name] = nodes.count
        nodes.append(
            Graph.Node(
                name: name, spec: node.spec, point: point,
                stage: stage, schema: node.schema, inputs: inputs, locations: locations,
                resources: node.terms.resources, isEphemeral: node.terms.isEphemeral))
    }

    /// Reports what is wrong with the settings of a node that cannot be bound.
    mutating func checkSettings(of name: String) {
        guard let node = resolved[name] else { return }
        var found = Problems()
        let varied = Set(node.axes.map(\.name))
        node.type.init().fill(
            node.spec.entries.filter { node.knows($0) && !varied.contains($0.key) }, &found)
        for problem in found.all { report(problem) }
    }

    /// The artifacts a node reads at a point of the matrix.
    private mutating func edges(
        of node: Resolved, entries: [PipelineEntry], at point: [Graph.Coordinate]
    ) -> [Graph.Edge] {
        var edges: [Graph.Edge] = []
        for input in node.schema.inputs {
            guard let entry = entries.last(where: { $0.key == input.name }) else { continue }
            for value in Self.references(entry.value) {
                guard let reference = value.scalar.flatMap(NodeReference.init),
                    resolved[reference.node] != nil
                else { continue }
                let producers = candidates(for: reference, at: point)
                if producers.isEmpty { reportNoInstance(reference, value, input.name) }
                if producers.count > 1 && !input.isList { reportManyInstances(reference, value, input.name) }
                edges += producers.map {
                    Graph.Edge(
                        input: input.name, role: input.role, producer: $0, selector: reference.selector,
                        location: value.location)
                }
            }
        }
        return edges
    }

    private func validate(
        _ stage: some Stage, _ inputs: [Graph.Edge], _ spec: NodeSpec, _ problems: inout Problems
    ) {
        do {
            try stage.validate()
            try stage.validate(
                reading: Dictionary(grouping: inputs, by: \.input).mapValues {
                    $0.map { nodes[$0.producer].name }
                })
        } catch let error as Problems {
            problems.report(error)
        } catch var error as Diagnostic {
            error.location = error.location ?? spec.nameLocation
            problems.report(error)
        } catch {
            problems.report(Diagnostic("\(error)", at: spec.nameLocation))
        }
    }

    private mutating func reportNoInstance(
        _ reference: NodeReference, _ value: PipelineValue, _ input: String
    ) {
        let names = (instances[reference.node] ?? []).map { nodes[$0].name }
        // A producer that could not be bound has been reported as such.
        guard !names.isEmpty, knowsMatrix else { return }
        report(
            Diagnostic(
                "\(input): the matrix has no \(value.phrase)", at: value.location,
                hint: "there are \(names.joined(separator: ", "))"))
    }

    private mutating func reportManyInstances(
        _ reference: NodeReference, _ value: PipelineValue, _ input: String
    ) {
        let names = (instances[reference.node] ?? []).map { nodes[$0].name }
        report(
            Diagnostic(
                "\(input): one artifact is read, but the matrix has \(names.joined(separator: ", "))",
                at: value.location))
    }

    /// Refuses a pipeline that learns anywhere from what it measures on.
    mutating func checkLeakage() {
        let edges = nodes.flatMap { node in node.inputs.map { (node: node.name, edge: $0) } }
        let measured = Dictionary(grouping: edges.filter { $0.edge.role == .evaluation }) { $0.edge.producer }
        for (_, learned) in edges where learned.role == .training || learned.role == .queries {
            let clash = measured[learned.producer]?.first { _, evaluation in
                evaluation.selector == learned.selector || evaluation.selector == nil
                    || learned.selector == nil
            }
            guard let clash else { continue }
            let what = nodes[learned.producer].name + (learned.selector.map { ".\($0)" } ?? "")
            report(
                Diagnostic(
                    "\(learned.input): '\(what)' is learned from here and measured on by '\(clash.node)'",
                    at: learned.location,
                    hint: "the measurement is at \(clash.edge.location); use another part"))
        }
    }
}
