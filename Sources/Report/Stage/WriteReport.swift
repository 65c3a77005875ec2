public import Engine
import Foundation
import Stages

/// A page about evaluations, with everything that they were made from.
struct Report: Artifact {
    static let kind = "report"
    static let pageFile = "report.html"
    static let textFile = "report.md"
    /// Both tell times.
    static let records: Set<String> = [pageFile, textFile]

    let location: ArtifactLocation

    init(_ location: ArtifactLocation) throws { self.location = location }
}

/// An evaluation of any kind that a page can show.
struct Measurement: Artifact {
    static let kind = Evaluation.kind
    static let accepts: Set<String> = [
        Evaluation.kind, SegmentationEvaluation.kind, TaskEvaluation.kind, CLIPEvaluation.kind,
    ]

    let location: ArtifactLocation

    init(_ location: ArtifactLocation) throws { self.location = location }
}

/// Writes the report of some evaluations: of their models, and of all stages these came from.
struct WriteReport: Stage {
    static let name: StageName = "report"
    static let revision = 1
    static let summary = "Writes a page about evaluations and everything they were made from."
    /// The page names the nodes.
    static let recordsNames = true

    @Input("The evaluations to report on: of classes, masks, maps, probes or CLIPs.") var evaluations:
        [Measurement]
    @Input("Transfer sets to show beside those the models learned from.", isOptional: true) var transferSets:
        [TransferSet]
    @Setting("The heading of the page.") var title = "Results"

    func run(in context: StageContext) throws -> Report {
        let lineage = Lineage(of: context.inputs.map(\.location), store: context.store)
        let run = lineage.run(id: context.node, title: title)
        let images = StoreThumbnails(StoredImages(scans: lineage.scans, store: context.store))
        try Data(RunReport.html(run, thumbnails: images).utf8)
            .write(to: context.output.appending(path: Report.pageFile))
        try Data(RunReport.markdown(run).utf8).write(to: context.output.appending(path: Report.textFile))
        for problem in lineage.problems { context.warn(problem) }
        context.count("stages", lineage.records.count)
        try context.advance(to: 1, of: 1)
        return try Report(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}

/// The stages of this product by name; ``builtinStages`` and the one that writes about them.
public let stageCatalog: [any Stage.Type] = builtinStages + [WriteReport.self]
