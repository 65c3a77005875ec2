extension PipelineSpec {
    /// What a pipeline does otherwise than it did: its settings, matrix, gates and name; where they stand does not count.
    public func differences(from earlier: PipelineSpec) -> [KeyDifference] {
        let (old, new) = (earlier.meaning, meaning)
        var differences = Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }
            .map { KeyDifference("setting.\($0)", old: old[$0], new: new[$0]) }
        for axis in matrix {
            guard let before = earlier.matrix.first(where: { $0.name == axis.name }), before.to != axis.to
            else {
                continue
            }
            differences.append(
                KeyDifference(
                    "setting.the targets of matrix.\(axis.name)", old: before.targetText, new: axis.targetText
                ))
        }
        let gates = (old: earlier.gates.map(\.text), new: gates.map(\.text))
        let gone = gates.old.filter { !gates.new.contains($0) }
        let come = gates.new.filter { !gates.old.contains($0) }
        if !gone.isEmpty || !come.isEmpty {
            func text(_ gates: [String]) -> String? { gates.isEmpty ? nil : gates.joined(separator: "; ") }
            differences.append(KeyDifference("setting.gates", old: text(gone), new: text(come)))
        }
        if name != earlier.name {
            differences.append(KeyDifference("setting.the pipeline's name", old: earlier.name, new: name))
        }
        return differences
    }

    /// What each node and each axis of the matrix says, by dotted path.
    private var meaning: [String: String] {
        var values: [String: String] = [:]
        for node in nodes {
            values[node.name] = node.uses
            for entry in node.entries { values["\(node.name).\(entry.key)"] = entry.value.flowText }
        }
        for axis in matrix { values["matrix.\(axis.name)"] = axis.values.joined(separator: ", ") }
        return values
    }
}

extension MatrixAxis {
    fileprivate var targetText: String { to?.joined(separator: ", ") ?? "every stage that has it" }
}

extension PipelineValue {
    /// The value in YAML's flow style, on one line.
    public var flowText: String {
        switch content {
        case .scalar(let text): text
        case .list(let values): "[" + values.map(\.flowText).joined(separator: ", ") + "]"
        case .map(let entries):
            "{" + entries.map { "\($0.key): \($0.value.flowText)" }.joined(separator: ", ") + "}"
        }
    }
}
