internal import Diagnostics
internal import Engine
internal import Vision
internal import World

/// Scans the built-in procedural world: images rendered from keys, so that a pipeline runs with no download.
struct ScanWorld: Stage {
    static let name: StageName = "world"
    static let revision = 3
    static let summary = "Procedural scenes, rendered from keys: a data set that needs no download."
    static let section = PipelineSection.data

    @Setting("The family of scenes.") var domain: Domain = .objects
    @Setting("The side of the images in pixels.", in: 8...512) var size = 32
    @Setting("The key of every random draw.", in: 0...) var seed = 0
    @Setting("The splits with their numbers of images: {train: 200, test: 1000}.") var splits: [String: Int]
    @Setting("Which attribute of a scene is its label.") var label: LabelKind = .class
    @Setting("The share of images of the domain itself; the rest is generic and unlabelled.", in: 0...1)
    var onDomain = 1.0
    @Setting(
        "How unevenly classes occur: 0 evenly, 1 with the first ten times as frequent as the last.", in: 0...1
    )
    var skew = 0.0
    @Setting(
        "What is known of every pixel: segmentation, depth, normals. Images with masks have no other labels.")
    var truth: [DenseTask] = []

    func validate() throws {
        if splits.isEmpty || splits.values.contains(where: { $0 < 1 }) {
            throw Diagnostic(
                "a world needs splits of at least one image", hint: "splits: {train: 200, test: 1000}")
        }
    }

    func run(in context: StageContext) throws -> ImageSet {
        let world = WorldDescription(
            domain: domain, size: size, seed: UInt64(seed), label: label,
            splits: splits.sorted { $0.key < $1.key }.map {
                WorldSplit($0.key, count: $0.value, onDomain: onDomain, skew: skew)
            }, truth: truth.isEmpty ? nil : Set(truth).sorted { $0.rawValue < $1.rawValue })
        let description = SourceDescription(kind: .world, paths: [], world: world)
        return try Scan(source: world.source, description: description, maxBad: 0).run(in: context)
    }
}

/// The settings of a world, as they are stored beside its scan.
struct WorldDescription: Codable, Equatable {
    var domain: Domain
    var size: Int
    var seed: UInt64
    var label: LabelKind
    var splits: [WorldSplit]
    /// What is known of every pixel; nothing where it is not said.
    var truth: [DenseTask]?

    var source: WorldSource {
        WorldSource(
            domain: domain, size: size, seed: seed, splits: splits, label: label,
            truth: Set(truth ?? []))
    }
}
