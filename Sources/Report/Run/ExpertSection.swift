import Foundation
import Stages

/// What experts said of images: how much of it can be used, images beside all maps of them, and where experts agree.
struct ExpertSection {
    private let contents: RunContents
    private let sink: any ThumbnailSink
    private static let (images, side) = (6, 96)

    init(_ contents: RunContents, _ sink: any ThumbnailSink) {
        self.contents = contents
        self.sink = sink
    }

    /// The section; nil where no expert was asked.
    var section: Page.Section? {
        guard !contents.denseLabels.isEmpty else { return nil }
        return Page.Section(
            id: "experts", title: "Experts",
            lead: "What task-specific experts said about every pixel of images that nobody labelled.",
            content: .group(
                [yields] + ((try? DenseLabelPictures.grouped(contents.denseLabels)) ?? []).map(maps)))
    }

    private var yields: Markup {
        Block.card("Yield") {
            Block.table(
                [
                    "labels", "expert", "task", "images", "failures", "usable pixels, %", "bytes an image",
                    "licences",
                ],
                numeric: [3, 4, 5, 6],
                rows: contents.denseLabels.map { set in
                    let summary = set.summary
                    return [
                        HTML.strong { set.node }, .text(summary.expert), .text(summary.taskName),
                        .text(Format.count(summary.images)), .text("\(summary.failures)"),
                        .text(Format.fixed(summary.yield.pixels * 100, 1)),
                        .text(Format.fixed(summary.bytesPerImage, 0)),
                        .text(
                            summary.licences.isEmpty
                                ? "none declared" : summary.licences.joined(separator: "; ")),
                    ]
                })
        }
    }

    private func maps(_ sets: [DenseLabelSet]) -> Markup {
        guard let pictures = try? DenseLabelPictures(sets),
            let images = try? pictures.subjects(Self.images), !images.isEmpty
        else { return .empty }
        let rows = images.map { image -> [Markup] in
            let reference = ImageReference(
                id: image.id, source: "\(image.dataset)/\(image.member)", dataset: image.dataset,
                member: image.member)
            let shown = sink.location(of: reference).map { picture($0, image.member) } ?? .text(image.member)
            return [shown]
                + sets.indices.map { expert in
                    guard let png = try? pictures.png(of: image, by: expert, side: Self.side) else {
                        return .text("–")
                    }
                    let location = "data:image/png;base64,\(png.base64EncodedString())"
                    return picture(location, "\(sets[expert].node) of \(image.member)")
                }
        }
        return Block.card(
            "Images beside their maps",
            note:
                "Classes have a colour each, near is bright, normals point along red, green and blue; black is unknown."
        ) {
            Block.table(["image"] + sets.map(\.node), numeric: [], rows: rows)
            agreements(pictures)
        }
    }

    private func picture(_ location: String, _ text: String) -> Markup {
        HTML.img(.src(location), .alt(text), .width(Double(Self.side)), .lazy)
    }

    private func agreements(_ pictures: DenseLabelPictures) -> Markup {
        let sets = pictures.sets
        var lines: [String] = []
        for a in sets.indices {
            for b in sets.indices where b > a {
                guard let measure = try? pictures.agreement(a, b) else { continue }
                lines.append("‘\(sets[a].node)’ and ‘\(sets[b].node)’: \(measure).")
            }
        }
        return .group(lines.map { Block.note($0) })
    }
}
