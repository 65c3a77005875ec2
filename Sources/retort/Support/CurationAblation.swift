import Diagnostics
import Engine
import Report

/// A pipeline in which one curation is repeated over strategies and sizes, everything else equal.
///
/// The curation gets an axis of the matrix for each; what is made from it follows along, what it is made from is shared.
/// Evaluations compare what is made from the curation, and the baseline.
struct CurationAblation {
    /// What is varied.
    struct Axes {
        var strategies: [String]
        var sizes: [Int]
        var seeds: Int?
        /// The students to compare; all that are made from the curation where there are none.
        var models: [String] = []
    }

    /// The pipeline as it is run.
    let specification: PipelineSpec
    /// The curation's name.
    let stage: String
    /// The evaluations that compare its students.
    let evaluations: [String]

    /// - Parameter stage: the curation; nil where there is one only.
    /// - Throws: a `Diagnostic` when the pipeline has no such curation, or none that is evaluated.
    init(_ pipeline: PipelineSpec, stage: String?, _ axes: Axes) throws(Diagnostic) {
        let name = try Self.curation(in: pipeline, named: stage)
        var spec = pipeline
        let made = Self.made(from: name, in: spec)
        evaluations = spec.nodes.filter { $0.uses == "evaluate" && made.contains($0.name) }.map(\.name)
        guard !evaluations.isEmpty else {
            throw Diagnostic(
                "no evaluation compares what is made from '\(name)'",
                hint: "let an evaluate stage read the students: models: [student]")
        }
        if let stranger = axes.models.first(where: { !made.contains($0) }) {
            throw Diagnostic(
                "nothing called '\(stranger)' is made from '\(name)'", hint: stranger.didYouMean(made),
                exitCode: .usage)
        }
        guard let node = spec.nodes.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("a node that was found is gone: this is a Retort bug")
        }
        let here = spec.nodes[node].nameLocation
        func vary(_ key: String, _ values: [String], in nodes: [String]) {
            for index in spec.nodes.indices where nodes.contains(spec.nodes[index].name) {
                spec.nodes[index].entries.removeAll { $0.key == key }
            }
            spec.matrix.removeAll { $0.name == key }
            spec.matrix.append(MatrixAxis(key, values: values, to: nodes, at: here))
        }
        vary("strategy", axes.strategies, in: [name])
        if !axes.sizes.isEmpty {
            spec.nodes[node].entries.removeAll { $0.key == "per_query" }
            vary("size", axes.sizes.map(String.init), in: [name])
        }
        if let seeds = axes.seeds {
            let values = (0..<seeds).map(String.init)
            if let axis = spec.matrix.firstIndex(where: { $0.name == "seed" }) {
                spec.matrix[axis].values = values
            } else {
                let trained = spec.nodes.filter {
                    made.contains($0.name) && ["distill", "fine-tune"].contains($0.uses)
                }
                vary("seed", values, in: trained.map(\.name))
            }
        }
        for index in spec.nodes.indices where evaluations.contains(spec.nodes[index].name) {
            Self.narrow(&spec.nodes[index], to: axes.models.isEmpty ? made : Set(axes.models))
        }
        // Conditions on arms that are not run have no number to look at.
        spec.gates.removeAll { !$0.text.hasPrefix(name + ".") }
        specification = spec
        self.stage = name
    }

    private static func curation(in pipeline: PipelineSpec, named stage: String?) throws(Diagnostic)
        -> String
    {
        let names = pipeline.nodes.filter { $0.uses == "curate" }.map(\.name)
        if let stage {
            if names.contains(stage) { return stage }
            throw Diagnostic(
                "'\(stage)' is no curation of this pipeline", hint: stage.didYouMean(Set(names)),
                exitCode: .usage)
        }
        guard let only = names.first, names.count == 1 else {
            throw Diagnostic(
                names.isEmpty
                    ? "the pipeline has no curation" : "the pipeline has \(names.count) curations",
                hint: names.isEmpty ? nil : "name one: --stage \(names.joined(separator: " or --stage "))",
                exitCode: .usage)
        }
        return only
    }

    /// The nodes that a value refers to: `student`, `student[seed=0]`, `target.test`.
    private static func references(_ value: PipelineValue) -> [String] {
        switch value.content {
        case .scalar(let text): [String(text.prefix { $0 != "." && $0 != "[" })]
        case .list(let values): values.flatMap(references)
        case .map: []
        }
    }

    /// The nodes that are made from a node, over any number of steps.
    private static func made(from name: String, in pipeline: PipelineSpec) -> Set<String> {
        var made: Set<String> = []
        var isGrowing = true
        while isGrowing {
            let new = pipeline.nodes.filter { node in
                !made.contains(node.name)
                    && node.entries.contains { entry in
                        references(entry.value).contains { $0 == name || made.contains($0) }
                    }
            }
            made.formUnion(new.map(\.name))
            isGrowing = !new.isEmpty
        }
        return made
    }

    /// Leaves an evaluation the models that are to be compared, and the baseline.
    private static func narrow(_ node: inout NodeSpec, to compared: Set<String>) {
        let baseline = node.entries.first { $0.key == "baseline" }?.value.scalar
        for index in node.entries.indices where node.entries[index].key == "models" {
            guard case .list(let models) = node.entries[index].value.content else { continue }
            let kept = models.filter { model in
                references(model).contains { compared.contains($0) || $0 == baseline }
            }
            node.entries[index].value.content = .list(kept)
        }
    }
}
