/// What somebody needs to make the run again and to check that it is the same.
struct ProvenanceSection {
    private let contents: RunContents
    private let textLimit: Int

    /// A section whose long texts are cut to `textLimit` bytes.
    init(_ contents: RunContents, textLimit: Int) {
        self.contents = contents
        self.textLimit = textLimit
    }

    var section: Page.Section {
        let run = contents.run
        return Page.Section(
            id: "provenance", title: "Provenance",
            lead: "Equal digests mean equal bytes: on CPU, the same configuration gives the same digests.",
            content: .group([
                run.commands.isEmpty
                    ? .empty : Block.card("Commands") { HTML.pre { run.commands.joined(separator: "\n") } },
                run.environment.isEmpty
                    ? .empty
                    : Block.card("Environment") {
                        Block.facts(run.environment.map { ($0.name, .text($0.value)) })
                    },
                run.configuration.isEmpty
                    ? .empty
                    : Block.card("Configuration") { HTML.pre { limited(run.configuration) } },
                digests, settings,
            ]))
    }

    private var digests: Markup {
        let rows = contents.run.nodes.compactMap { node -> [Markup]? in
            guard let record = contents.records[node.name] else { return nil }
            let bytes = (record.files ?? []).reduce(0) { $0 + $1.bytes }
            return [
                HTML.strong { node.name }, .text(record.kind ?? ""), HTML.code { record.digest ?? "" },
                HTML.code { record.key ?? "" }, .text(Format.bytes(bytes)),
            ]
        }
        guard !rows.isEmpty else { return .empty }
        return Block.card("Artifacts") {
            Block.table(["stage", "kind", "digest", "key", "size"], numeric: [4], rows: rows)
        }
    }

    private var settings: Markup {
        let nodes = contents.run.nodes.filter { !$0.settings.isEmpty }
        guard !nodes.isEmpty else { return .empty }
        return Block.card("Settings of every stage") {
            for node in nodes {
                Block.folded("\(node.name) · \(node.stage)") {
                    Block.facts(node.settings.map { ($0.name, .text($0.value)) })
                }
            }
        }
    }

    private func limited(_ text: String) -> String {
        guard text.utf8.count > textLimit else { return text }
        return text.prefix(textLimit) + "\n… (\(Format.bytes(text.utf8.count)) in all)"
    }
}
