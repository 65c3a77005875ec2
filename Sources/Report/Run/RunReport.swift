/// The report of a run, finished or not, as one file that opens from anywhere.
public enum RunReport {
    /// The largest report in bytes; pictures give way first.
    public static let sizeLimit = 10_000_000

    /// The report as an HTML page with everything inside it.
    public static func html(_ run: RunSummary, thumbnails: (any ThumbnailProvider)? = nil) -> String {
        let contents = RunContents(run)
        // Pictures are cut first, then the long texts that stand in files anyway.
        for (pictures, text) in [(5_000_000, 400_000), (1_000_000, 100_000), (0, 20_000)] {
            let sink: any ThumbnailSink =
                thumbnails.map { InlineThumbnails($0, side: 96, budget: pictures) } ?? NoThumbnails()
            let page = page(contents, sink, textLimit: text).rendered
            if page.utf8.count <= sizeLimit || pictures == 0 { return page }
        }
        return ""
    }

    private static func page(_ contents: RunContents, _ sink: any ThumbnailSink, textLimit: Int) -> Page {
        let run = contents.run
        var sections = [
            Page.Section(id: "verdict", title: "Verdict", content: OverviewSection(contents).markup),
            Page.Section(id: "pipeline", title: "Pipeline", content: PipelineSection(contents).markup),
        ]
        if let evaluation = contents.decisive {
            sections.append(ResultsSection(evaluation.files.metrics, node: evaluation.node).section)
        }
        sections += [
            TeacherSection(contents).section, TrainingSection(contents).section,
            TransferSection(contents, sink).section, StudentSection(contents, sink).section,
            ProvenanceSection(contents, textLimit: textLimit).section,
        ]
        return Page(
            title: run.pipeline, kind: "Run report",
            facts: [
                Block.badge(run.outcome.rawValue, run.outcome.rawValue),
                HTML.span { Format.moment(run.started) }, HTML.span { Format.duration(run.seconds) },
                HTML.code { run.id },
            ],
            sections: sections, script: nil,
            footnote: "Written by Retort. This file is complete in itself and asks nothing of any network.")
    }
}

/// No pictures at all.
final class NoThumbnails: ThumbnailSink {
    func location(of image: ImageReference) -> String? { nil }
}
