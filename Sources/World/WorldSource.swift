public import Foundation
public import Vision

/// Images that are rendered on demand: an `ImageSource` over the procedural world.
///
/// A member `train/000123` is a pure function of (domain, seed, split, 123). Members of labelled, evenly
/// distributed splits cycle through the classes, so that a shorter split is a prefix of a longer one and label
/// budgets are nested.
public struct WorldSource: ImageSource {
    /// The family of scenes.
    public let domain: Domain
    /// The side of the images in pixels.
    public let size: Int
    /// The key of every random draw.
    public let seed: UInt64
    /// The splits, in the order of `members()`.
    public let splits: [WorldSplit]
    /// Which attribute of a scene is its label.
    public let labelKind: LabelKind
    /// The tasks whose answers for every pixel belong to the data set.
    public let truth: Set<DenseTask>

    /// Creates a source; split names must differ.
    public init(
        domain: Domain, size: Int = 32, seed: UInt64 = 0, splits: [WorldSplit], label: LabelKind = .class,
        truth: Set<DenseTask> = []
    ) {
        precondition(
            Set(splits.map { $0.stream(in: domain) }).count == splits.count,
            "Retort bug: two splits of a world share a key range")
        self.domain = domain
        self.size = size
        self.seed = seed
        self.splits = splits
        labelKind = label
        self.truth = truth
    }

    /// The names that labels index, or those that the numbers in masks stand for.
    public var classes: [String] {
        if truth.contains(.segmentation) { return Segment.allCases.map { "\($0)" } }
        return switch labelKind {
        case .class: domain.classes
        case .shape: Shape.allCases.map(\.rawValue)
        case .texture: Texture.allCases.map(\.rawValue)
        case .colour: Tint.allCases.map(\.rawValue)
        case .background: Background.allCases.map(\.rawValue)
        }
    }

    /// Every image of every split, with its caption, and with its label where it has one and no mask.
    public func members() throws -> [SourceMember] {
        splits.flatMap { split in
            (0..<split.count).map { index in
                let scene = scene(split, index)
                return SourceMember(
                    split: split.name, member: split.member(index), label: label(of: scene),
                    captions: [scene.caption])
            }
        }
    }

    /// Nothing: rendered images have no encoded bytes.
    public func bytes(of member: String) throws -> Data? { nil }

    /// Nothing: the settings say everything.
    public func contentFiles() throws -> [URL] { [] }

    /// Renders a member.
    public func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
        Image(width: size, height: size, pixels: Renderer(try scene(member), size: size).pixels())
    }

    /// Renders a member with its mask, depth and normals.
    public func rendering(_ member: String) throws -> Rendering { Rendering(try scene(member), size: size) }

    /// The mask of a member, where masks belong to the data set.
    public func maskBytes(of member: String) throws -> Data? {
        try map(of: member, .segmentation).map { try ImageCodec.encodePNG($0.mask) }
    }

    /// What is true of a member's pixels, where that belongs to the data set; nothing is known of the sky's depth.
    public func map(of member: String, _ task: DenseTask) throws -> DenseMap? {
        guard truth.contains(task) else { return nil }
        let renderer = Renderer(try scene(member), size: size)
        let places = (0..<size * size).map { renderer.truth($0 % size, $0 / size) }
        let values =
            switch task {
            case .segmentation: places.map { Float($0.segment.rawValue) }
            case .depth: places.map { $0.instance == 0 ? .nan : $0.depth }
            case .normals:
                places.flatMap { place -> [Float] in
                    let normal = place.normal
                    return normal == .zero ? [.nan, .nan, .nan] : [normal.x, normal.y, normal.z]
                }
            }
        return DenseMap(task, width: size, height: size, values: values)
    }

    /// The scene of a member.
    public func scene(_ member: String) throws -> Scene {
        let parts = member.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let split = splits.first(where: { $0.name == parts[0] }),
            let index = Int(parts[1]), (0..<split.count).contains(index)
        else { throw UnknownMember(member: member) }
        return scene(split, index)
    }

    /// A label of the source's kind; scenes of another domain's taxonomy have no class here.
    func label(of scene: Scene) -> Int? {
        truth.contains(.segmentation) || labelKind == .class && scene.domain != domain
            ? nil : scene.label(labelKind)
    }

    private func scene(_ split: WorldSplit, _ index: Int) -> Scene {
        var random = KeyedRandom(seed: seed, stream: split.stream(in: domain), index: UInt32(index))
        if split.onDomain < 1, !random.chance(Float(split.onDomain)) {
            let drawn = random.index(weights: Domain.generic.frequencies)
            return Domain.generic.scene(class: drawn, &random)
        }
        let drawn =
            split.cycles(through: domain)
            ? index % domain.classes.count : random.index(weights: split.weights(in: domain))
        return domain.scene(class: drawn, &random)
    }
}

/// A member that a world does not have.
public struct UnknownMember: Error, CustomStringConvertible {
    /// The name that was asked for.
    public var member: String

    /// The message for a user.
    public var description: String { "the world has no image '\(member)'" }
}
