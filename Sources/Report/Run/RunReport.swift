/// The report of a run, finished or not, as one file that opens from anywhere.
public enum RunReport {
    /// The largest report in bytes; pictures give way first.
    public static let sizeLimit = 10_000_000

    /// The report as an HTML page with everything inside it.
    public static func html(_ run: ReportedRun, thumbnails: (any ThumbnailProvider)? = nil) -> String {
        let contents = RunContents(run)
        var page = ""
        for detail in [ReportDetail.full, .reduced, .least] {
            let sink: any ThumbnailSink =
                thumbnails.map { InlineThumbnails($0, side: 96, budget: detail.pictureBytes) }
                ?? NoThumbnails()
            page = Self.page(contents, sink, detail).rendered
            if page.utf8.count <= sizeLimit { break }
        }
        return page
    }

    private static func page(
        _ contents: RunContents, _ sink: any ThumbnailSink, _ detail: ReportDetail
    ) -> Page {
        let run = contents.run
        var sections = [
            Page.Section(id: "verdict", title: "Verdict", content: OverviewSection(contents).markup),
            Page.Section(id: "pipeline", title: "Pipeline", content: PipelineSection(contents).markup),
        ]
        if let evaluation = contents.decisive {
            sections.append(ResultsSection(evaluation.files.metrics, node: evaluation.node).section)
        }
        sections += [
            ClaimsSection(contents.claims).section, ExpertSection(contents, sink).section,
            TaskSection(contents.taskEvaluations, contents.clipEvaluations).section,
        ].compactMap { $0 }
        sections += [
            TeacherSection(contents).section, TrainingSection(contents).section,
            TransferSection(contents, sink).section, StudentSection(contents, sink).section,
            ProvenanceSection(contents, detail).section,
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

/// How much a report may hold: pictures are cut first, then long texts, which stand in files anyway.
struct ReportDetail {
    var pictureBytes: Int
    var configurationBytes: Int
    var showsSettings: Bool

    static let full = ReportDetail(pictureBytes: 5_000_000, configurationBytes: 400_000, showsSettings: true)
    static let reduced = ReportDetail(
        pictureBytes: 1_000_000, configurationBytes: 100_000, showsSettings: true)
    static let least = ReportDetail(pictureBytes: 0, configurationBytes: 20_000, showsSettings: false)
}

extension String {
    /// The text, or its beginning with a note on the rest.
    func limited(to count: Int) -> String {
        guard utf8.count > count else { return self }
        return prefix(count) + "\n… (\(Format.bytes(utf8.count)) in all)"
    }
}

/// No pictures at all.
final class NoThumbnails: ThumbnailSink {
    func location(of image: ImageReference) -> String? { nil }
}
