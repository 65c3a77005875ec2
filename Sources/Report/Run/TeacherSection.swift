/// The checkpoints that the students imitate: what they were made of, how good they are, and their stored answers.
struct TeacherSection {
    private let contents: RunContents

    init(_ contents: RunContents) { self.contents = contents }

    var section: Page.Section {
        let teachers = contents.teachers
        return Page.Section(
            id: "teacher", title: teachers.count > 1 ? "Teachers" : "Teacher",
            lead: "A student can hardly be better than what it imitates.",
            content: teachers.isEmpty
                ? .empty : Block.columns { Markup.group((teachers + contents.labels).map(card)) })
    }

    private func card(_ node: ReportedRun.Node) -> Markup {
        let record = contents.records[node.name]
        let last = finals(node.name)
        return Block.card(node.name, note: "\(node.stage), \(node.state.rawValue)") {
            if !last.isEmpty {
                Block.tiles { Markup.group(last.map { Block.tile($0.value, $0.name) }) }
            }
            Block.facts(
                (record?.facts ?? [:]).sorted { $0.key < $1.key }.map {
                    (words($0.key), .text($0.value.description))
                }
                    + (record?.counts ?? [:]).sorted { $0.key < $1.key }
                    .map { (words($0.key), .text(Format.count($0.value))) })
            if !node.settings.isEmpty {
                Block.folded("Settings") {
                    Block.facts(node.settings.map { (words($0.name), .text($0.value)) })
                }
            }
        }
    }

    /// The last value of every measure of quality.
    private func finals(_ node: String) -> [(name: String, value: String)] {
        var last: [String: Double] = [:]
        for row in contents.metrics[node] ?? [] { last[row.name] = row.value }
        return last.sorted { $0.key < $1.key }.filter { MetricKind($0.key) == .accuracy }
            .map { (words($0.key), Format.percent($0.value)) }
    }

    private func words(_ key: String) -> String { key.replacing("_", with: " ") }
}

/// What a metric's name says about how to show it.
enum MetricKind: Int, Comparable {
    case loss, accuracy, other, rate

    init(_ name: String) {
        let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }
        let has = { (candidates: Set<String>) in words.contains { candidates.contains(String($0)) } }
        if has(["top1", "top5", "accuracy", "acc", "agreement"]) {
            self = .accuracy
        } else if has(["loss", "nll", "kl"]) {
            self = .loss
        } else if has(["lr", "images", "wait", "throughput", "tflops"]) {
            self = .rate
        } else {
            self = .other
        }
    }

    static func < (left: MetricKind, right: MetricKind) -> Bool { left.rawValue < right.rawValue }
}
