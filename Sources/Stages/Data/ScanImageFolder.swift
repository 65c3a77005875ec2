internal import Engine
internal import Foundation
internal import Vision

/// Scans a folder of images, `root/<split>/<class>/<file>`.
struct ScanImageFolder: Stage {
    static let name: StageName = "imagefolder"
    static let revision = 2
    static let summary = "A folder of images, root/<split>/<class>/<file>."
    static let section = PipelineSection.data

    @Setting("The folder that holds the splits.", hashed: false) var root: String
    @Setting("The splits to read; by default every folder below the root that holds class folders.")
    var splits: [String]?
    @Setting("How many undecodable images are tolerated; they are put aside and listed.", in: 0...)
    var maxBad = 0
    let terms = LicenceSetting()

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        let source = try description { environment.resolve($0) }.open()
        return [
            "files": try environment.digests.digest(
                of: source.contentFiles(), below: environment.resolve(root))
        ]
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
        SourceDescription(kind: .imagefolder, paths: [resolve(root).path], splits: splits)
    }
}
