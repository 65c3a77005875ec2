internal import Engine
internal import Foundation
internal import Vision

/// Scans WebDataset tar shards.
struct ScanWebDataset: Stage {
    static let name: StageName = "webdataset"
    static let revision = 3
    static let summary =
        "Tar shards of images, alone or with .cls or .json beside each; the split is named 'all'."
    static let section = PipelineSection.data

    @Setting("The shards, as paths with braces: pool-{000000..000010}.tar.", hashed: false) var shards:
        [String]
    @Setting("How many undecodable images are tolerated; they are put aside and listed.", in: 0...)
    var maxBad = 0
    let terms = LicenceSetting()

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        let description = description { environment.resolve($0) }
        let files = try WebDatasetSource.files(of: description.paths)
        // To open shards is to read a header for every image: it is left out where all are as they were when they were read.
        if files.isEmpty || !files.allSatisfy(environment.digests.remembers) { _ = try description.open() }
        let root = files.first?.deletingLastPathComponent() ?? environment.directory
        return ["shards": try environment.digests.digest(of: files, below: root)]
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
        SourceDescription(kind: .webdataset, paths: shards.map { resolve($0).path })
    }
}
