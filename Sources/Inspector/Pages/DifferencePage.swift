import Report
import Search

/// Where two curations differ: figures, classes, and the images that only one of them has.
struct DifferencePage {
    let set: InspectedSet
    let other: InspectedSet
    let difference: SetDifference
    let marks: Marks
    /// Whose own images are shown: `this` or `other`.
    let side: String
    let page: Int

    private static let size = 60

    func markup() throws -> Markup {
        let isOther = side == "other"
        let rows = isOther ? difference.onlyRight : difference.onlyLeft
        let shownSet = isOther ? other : set
        let shown = try rows.dropFirst(min(rows.count, page * Self.size)).prefix(Self.size).map {
            try shownSet.table.image(Int($0))
        }
        var fields = Fields()
        fields["side"] = isOther ? "other" : nil
        return .group([
            MarkButtons.form(back: Piece.address("/diff", fields)), tiles, classes,
            HTML.h2 { "Images that only one of them has" },
            HTML.div(.class("tabs")) {
                tab(
                    "this", "\(set.name) only (\(Format.count(difference.onlyLeft.count)))",
                    isCurrent: !isOther)
                tab(
                    "other", "\(other.name) only (\(Format.count(difference.onlyRight.count)))",
                    isCurrent: isOther)
            },
            shown.isEmpty
                ? Block.note("There are none.")
                : HTML.div(.class("grid")) {
                    for image in shown {
                        ImageCard(
                            id: image.id, source: image.source, caption: Piece.similarity(image.similarity),
                            note: image.queryClass, query: image.query, mark: marks[image.id]
                        ).markup
                    }
                },
            Piece.pager("/diff", fields, page: page, size: Self.size, count: rows.count),
        ])
    }

    private var tiles: Markup {
        Block.tiles {
            Block.tile(Format.count(difference.common), "images in both", kind: "accent")
            Block.tile(Format.fixed(difference.jaccard, 3), "Jaccard index", note: "common among all")
            Block.tile(Format.count(difference.onlyLeft.count), "only in \(set.name)")
            Block.tile(Format.count(difference.onlyRight.count), "only in \(other.name)")
            if let left = difference.meanLeft, let right = difference.meanRight {
                Block.tile(
                    "\(Format.fixed(left, 3)) / \(Format.fixed(right, 3))", "mean similarity",
                    note: "\(set.name) / \(other.name)")
            }
        }
    }

    private var classes: Markup {
        guard difference.perClass.count > 1 || difference.perClass.first?.name.isEmpty == false else {
            return .empty
        }
        return Block.card("Per class") {
            Block.table(
                ["class", set.name, other.name, "common"], numeric: [1, 2, 3],
                rows: difference.perClass.prefix(200).map { row in
                    [
                        .text(row.name.isEmpty ? "no class" : row.name), .text(Format.count(row.left)),
                        .text(Format.count(row.right)), .text(Format.count(row.common)),
                    ]
                })
        }
    }

    private func tab(_ side: String, _ title: String, isCurrent: Bool) -> Markup {
        isCurrent
            ? HTML.a(.class("tab"), .href("/diff?side=\(side)"), Attribute("aria-current", "page")) { title }
            : HTML.a(.class("tab"), .href("/diff?side=\(side)")) { title }
    }
}
