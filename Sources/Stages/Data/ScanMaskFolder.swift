internal import Engine
internal import Foundation
internal import Vision

/// Scans a folder of images with masks, `root/<split>/images` and `root/<split>/masks`.
struct ScanMaskFolder: Stage {
    static let name: StageName = "maskfolder"
    static let revision = 1
    static let summary = "A folder of images with a mask of classes each, root/<split>/images and masks."
    static let section = PipelineSection.data

    @Setting("The folder that holds the splits and classes.txt.", hashed: false) var root: String
    @Setting("The splits to read; by default every folder below the root.") var splits: [String]?
    @Setting("How many unreadable images or masks are tolerated; they are put aside and listed.", in: 0...)
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
        SourceDescription(kind: .maskfolder, paths: [resolve(root).path], splits: splits)
    }
}
