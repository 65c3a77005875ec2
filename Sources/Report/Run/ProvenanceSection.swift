/// What somebody needs to make the run again and to check that it is the same.
struct ProvenanceSection {
    private let contents: RunContents
    private let detail: ReportDetail

    init(_ contents: RunContents, _ detail: ReportDetail) {
        self.contents = contents
        self.detail = detail
    }

    var section: Page.Section {
        let run = contents.run
        return Page.Section(
            id: "provenance", title: "Provenance",
            lead: "Equal digests mean equal bytes: on CPU, the same configuration gives the same digests.",
            content: .group([
                run.commands.isEmpty
                    ? .empty
                    : Block.card("Commands") {
                        HTML.pre { run.commands.joined(separator: "\n").limited(to: 20_000) }
                    },
                run.environment.isEmpty
                    ? .empty
                    : Block.card("Environment") {
                        Block.facts(run.environment.map { ($0.name, .text($0.value)) })
                    },
                run.configuration.isEmpty
                    ? .empty
                    : Block.card("Configuration") {
                        HTML.pre { run.configuration.limited(to: detail.configurationBytes) }
                    },
                digests, detail.showsSettings ? settings : .empty,
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
}
