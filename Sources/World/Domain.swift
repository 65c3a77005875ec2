/// A family of scenes with its own taxonomy.
public enum Domain: String, CaseIterable, Codable, Sendable {
    /// Single objects among clutter: ten classes that pair a solid with a surface pattern.
    case objects
    /// The ground from above: ten kinds of land use.
    case overhead
    /// Spots on a mottled skin: seven classes, one of them frequent and some rare.
    case blobs
    /// Places seen from within: eight kinds.
    case layouts
    /// A broad mixture with a taxonomy of its own, none of whose classes is a class of another domain.
    case generic

    /// The names of the classes, in label order.
    public var classes: [String] {
        switch self {
        case .objects: Pairing.target.map(\.name)
        case .overhead: LandUse.allCases.map(\.rawValue)
        case .blobs: BlobKind.allCases.map(\.rawValue)
        case .layouts: Place.allCases.map(\.rawValue)
        case .generic: GenericClass.all.map(\.name)
        }
    }

    /// How often each class occurs in nature.
    var frequencies: [Float] {
        switch self {
        case .objects, .overhead, .layouts: [Float](repeating: 1, count: classes.count)
        case .blobs: BlobKind.allCases.map(\.frequency)
        case .generic: GenericClass.all.map(\.frequency)
        }
    }

    /// Whether every class occurs equally often.
    var isUniform: Bool { self != .blobs && self != .generic }

    /// Draws a scene of a class.
    func scene(class index: Int, _ random: inout KeyedRandom) -> Scene {
        switch self {
        case .objects: .object(Pairing.target[index], class: index, in: self, &random)
        case .overhead: .overhead(LandUse.allCases[index], class: index, &random)
        case .blobs: .blob(BlobKind.allCases[index], class: index, &random)
        case .layouts: .place(Place.allCases[index], class: index, &random)
        case .generic: GenericClass.all[index].scene(class: index, &random)
        }
    }
}

/// A solid with a surface pattern: what an object class is.
struct Pairing: Hashable, Sendable {
    var shape: Shape
    var texture: Texture

    var name: String { "\(texture.adjective) \(shape.rawValue)" }

    /// The classes of the `objects` domain: five solids and five patterns, each in two classes, so that neither
    /// alone tells the class.
    static let target: [Pairing] = {
        let shapes: [Shape] = [.sphere, .box, .cone, .torus, .cross]
        let textures: [Texture] = [.plain, .stripes, .checker, .dots, .grid]
        return shapes.indices.flatMap { index in
            [index, (index + 1) % textures.count].map { Pairing(shape: shapes[index], texture: textures[$0]) }
        }
    }()

    /// Every other pairing: the generic mixture never shows a target class.
    static let others = Shape.allCases.flatMap { shape in
        Texture.allCases.map { Pairing(shape: shape, texture: $0) }
    }.filter { !target.contains($0) }
}
