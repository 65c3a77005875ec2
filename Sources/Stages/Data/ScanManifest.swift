internal import Engine
internal import Foundation
internal import Vision

/// Scans the images that a CSV or JSON-lines file lists.
struct ScanManifest: Stage {
    static let name: StageName = "manifest"
    static let revision = 3
    static let summary = "A CSV or JSONL file with the columns path, label and split."
    static let section = PipelineSection.data

    @Setting("The file; its paths are relative to its own folder.", hashed: false) var file: String
    @Setting("How many undecodable images are tolerated; they are put aside and listed.", in: 0...)
    var maxBad = 0
    let terms = LicenceSetting()

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        let source = try description { environment.resolve($0) }.open()
        let root = environment.resolve(file).deletingLastPathComponent()
        return ["files": try environment.digests.digest(of: source.contentFiles(), below: root)]
    }

    func refresh(_ artifact: ArtifactLocation, in environment: PlanningEnvironment) throws {
        try description { environment.resolve($0) }.refresh(artifact)
        try terms.note(in: artifact.directory)
    }

    func run(in context: StageContext) throws -> ImageSet {
        let description = description { context.resolve($0) }
        try terms.note(in: context.output)
        return try Scan(source: description.open(), description: description, maxBad: maxBad).run(in: context)
    }

    private func description(_ resolve: (String) -> URL) -> SourceDescription {
        SourceDescription(kind: .manifest, paths: [resolve(file).path])
    }
}
