import Engine
import Foundation
import Stages

/// The maps of one or more experts as text.
struct ExpertMapsText {
    let maps: [ExpertMapsInspector.Maps]
    let agreements: [(node: String, agreement: DenseAgreement?)]

    var rendered: String {
        let parts = maps.map(lines) + [together]
        return parts.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private func lines(_ maps: ExpertMapsInspector.Maps) -> [String] {
        var lines = ["Maps \(maps.set.node.printable)", "  \(maps.set.location.directory.path.printable)"]
        lines += maps.facts.map { "  " + $0.name.padded(18) + $0.value.printable }
        if !maps.shares.isEmpty { lines.append("  Classes, of the usable pixels") }
        lines += maps.shares.map {
            "    " + $0.name.printable.padded(24) + Format.percent($0.share).aligned(8)
        }
        guard !maps.failed.isEmpty else { return lines }
        lines.append("  Without a map")
        lines += maps.failed.prefix(10).map { "    \($0.image.printable): \($0.reason.printable)" }
        let more = maps.failed.count - 10
        return more > 0 ? lines + ["    and \(Format.count(more)) more, in images.jsonl"] : lines
    }

    private var together: [String] {
        guard !agreements.isEmpty else { return [] }
        return ["Agreement of \(maps[0].set.node.printable)"]
            + agreements.map { node, agreement in
                "  with \(node.printable): "
                    + (agreement.map(\.description) ?? "they answer different questions")
            }
    }
}

/// The static page of the maps of one or more experts.
struct ExpertMapsPage {
    let maps: [ExpertMapsInspector.Maps]
    /// The images beside their maps.
    let shown: Markup
    let pictures: DenseLabelPictures
    private static let failureLimit = 100

    var page: Page {
        let summary = maps[0].set.summary
        return Page(
            title: maps.map(\.set.node).joined(separator: ", "), kind: "Expert maps",
            facts: [
                HTML.span { Format.plural(summary.images, "image") }, HTML.span { summary.taskName },
                HTML.code { String(summary.digest.prefix(16)) },
            ],
            sections: [
                Page.Section(
                    id: "overview", title: "Overview", lead: nil,
                    content: ExpertSection.yields(maps.map(\.set))),
                Page.Section(
                    id: "maps", title: "Maps",
                    lead: "Images about which every expert said something, evenly spread over the list.",
                    content: shown),
                Page.Section(
                    id: "classes", title: "Classes", lead: nil, content: .group(maps.indices.map(classes))),
                Page.Section(
                    id: "failures", title: "Without a map", lead: nil, content: .group(maps.map(failures))),
                Page.Section(
                    id: "provenance", title: "Provenance", lead: nil,
                    content: .group(
                        maps.map { maps in
                            Block.card(maps.set.node) {
                                Block.facts(maps.facts.map { ($0.name, .text($0.value)) })
                            }
                        })),
            ], script: nil,
            footnote: "Written by Retort. This file is complete in itself and asks nothing of any network.")
    }

    private func classes(_ expert: Int) -> Markup {
        let maps = maps[expert]
        guard !maps.shares.isEmpty else { return .empty }
        return Block.card(maps.set.node) {
            Block.table(
                ["", "class", "share of the usable pixels, %"], numeric: [2],
                rows: maps.shares.map { number, name, share in
                    let colour = pictures.colour(of: number, by: expert).map(String.init).joined(
                        separator: ",")
                    let style = "display:inline-block;width:14px;height:14px;background:rgb(\(colour))"
                    return [HTML.span(.style(style)), .text(name), .text(Format.fixed(share * 100, 1))]
                })
        }
    }

    private func failures(_ maps: ExpertMapsInspector.Maps) -> Markup {
        guard !maps.failed.isEmpty else { return .empty }
        let shown = maps.failed.prefix(Self.failureLimit)
        return Block.card(
            maps.set.node,
            note: shown.count < maps.failed.count
                ? "The first \(shown.count) of \(Format.count(maps.failed.count)); images.jsonl lists all."
                : nil
        ) {
            Block.table(["image", "reason"], rows: shown.map { [.text($0.image), .text($0.reason)] })
        }
    }
}
