/// The solids of the world.
public enum Shape: String, CaseIterable, Codable, Sendable {
    case sphere, box, cylinder, cone, torus, capsule, pyramid, octahedron, cross, prism, dome, dumbbell
}

/// The surface patterns of the world.
public enum Texture: String, CaseIterable, Codable, Sendable {
    case plain, checker, stripes, dots, bricks, blotches, rings, gradient, grid, zigzag

    /// The pattern as an adjective, for captions and class names.
    public var adjective: String {
        switch self {
        case .plain: "plain"
        case .checker: "checkered"
        case .stripes: "striped"
        case .dots: "dotted"
        case .bricks: "bricked"
        case .blotches: "blotched"
        case .rings: "ringed"
        case .gradient: "shaded"
        case .grid: "gridded"
        case .zigzag: "zigzag"
        }
    }
}

/// The named colours of the world.
public enum Tint: String, CaseIterable, Codable, Sendable {
    case red, orange, yellow, green, cyan, blue, purple, pink, brown, white
}

/// The surroundings of an object.
public enum Background: String, CaseIterable, Codable, Sendable {
    case studio, tiles, planks, meadow, desert, brickwork, pavement, snow

    /// The surroundings as they end a caption.
    var phrase: String {
        switch self {
        case .studio: "in a studio"
        case .tiles: "on a tiled floor"
        case .planks: "on wooden planks"
        case .meadow: "in a meadow"
        case .desert: "in a desert"
        case .brickwork: "before a brick wall"
        case .pavement: "on a pavement"
        case .snow: "in the snow"
        }
    }
}

/// The semantic classes of a rendering's pixels, for segmentation.
public enum Segment: UInt8, CaseIterable, Codable, Sendable {
    case backdrop, ground, path, water, rounded, boxy, pointed, ring

    /// The class that objects of a shape belong to.
    public init(_ shape: Shape) {
        self =
            switch shape {
            case .sphere, .capsule, .dome, .dumbbell, .cylinder: .rounded
            case .box, .cross, .prism: .boxy
            case .cone, .pyramid, .octahedron: .pointed
            case .torus: .ring
            }
    }
}

/// Which attribute of a scene is its label.
public enum LabelKind: String, CaseIterable, Codable, Sendable {
    /// The class of the domain's own taxonomy.
    case `class`
    /// The subject's solid.
    case shape
    /// The subject's surface pattern.
    case texture
    /// The subject's main colour.
    case colour
    /// The subject's surroundings.
    case background
}
