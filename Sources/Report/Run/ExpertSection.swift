import Foundation
import Stages

/// What experts said of images: how much of it can be used, images beside all maps of them, and where experts agree.
struct ExpertSection {
    private let contents: RunContents
    private let sink: any ThumbnailSink

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
                [Self.yields(contents.denseLabels)]
                    + ((try? DenseLabelPictures.grouped(contents.denseLabels)) ?? []).map { sets in
                        (try? DenseLabelPictures(sets)).map { ExpertMaps($0, sink).card } ?? .empty
                    }))
    }

    /// How much of what experts said can be used.
    static func yields(_ sets: [DenseLabelSet]) -> Markup {
        Block.card("Yield") {
            Block.table(
                [
                    "labels", "expert", "task", "images", "failures", "usable pixels, %", "bytes an image",
                    "licences",
                ],
                numeric: [3, 4, 5, 6],
                rows: sets.map { set in
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
}
