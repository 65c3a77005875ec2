/// One scene, completely described: what is in it, what it is called and how it is photographed.
///
/// Image, mask, depth, normals and caption are all derived from this one description, so they always agree.
public struct Scene: Sendable {
    /// The domain that the scene was drawn from.
    public var domain: Domain
    /// The class in that domain's taxonomy.
    public var classIndex: Int
    /// The subject's solid, where the scene has a subject.
    public var shape: Shape?
    /// The subject's surface pattern; in scenes without a subject, the ground's where it is the class.
    public var texture: Texture?
    /// The subject's main colour.
    public var colour: Tint?
    /// The subject's surroundings.
    public var background: Background?
    /// One sentence about the scene, without a full stop.
    public var caption: String

    var camera: Camera
    var light: Light
    var sky: Sky
    var planes: [Plane] = []
    var bodies: [Body] = []
    var film = Film()

    /// The label of a kind, or nil where the scene has no such attribute.
    public func label(_ kind: LabelKind) -> Int? {
        switch kind {
        case .class: classIndex
        case .shape: shape.flatMap(Shape.allCases.firstIndex)
        case .texture: texture.flatMap(Texture.allCases.firstIndex)
        case .colour: colour.flatMap(Tint.allCases.firstIndex)
        case .background: background.flatMap(Background.allCases.firstIndex)
        }
    }
}

/// A solid in the world.
struct Body: Sendable {
    var shape: Shape
    var position: Vector3
    var frame: Frame
    /// The radius of the ball around it.
    var size: Float
    var surface: Surface
    /// The strength of its highlight.
    var gloss: Float = 0
}

/// An endless flat surface seen from its front, with regions of other surfaces laid on it.
struct Plane: Sendable {
    var origin: Vector3
    /// `y` is the normal, towards the visible side; `x` and `z` carry the surface coordinates.
    var frame: Frame
    var surface: Surface
    var layers: [Layer] = []
    var segment: Segment = .ground
    /// Whether bodies cast shadows on it.
    var takesShadows = true

    /// The ground at height zero.
    static func ground(_ surface: Surface, layers: [Layer] = []) -> Plane {
        Plane(origin: .zero, frame: .identity, surface: surface, layers: layers)
    }

    /// An upright wall through `origin`, facing along the horizontal direction `facing`.
    static func wall(at origin: Vector3, facing: Vector3, _ surface: Surface) -> Plane {
        let frame = Frame(x: cross(.up, facing), y: facing, z: .up)
        return Plane(
            origin: origin, frame: frame, surface: surface, segment: .backdrop, takesShadows: false)
    }
}

/// A region of a plane that has a surface of its own; later layers cover earlier ones.
struct Layer: Sendable {
    enum Region: Sendable {
        /// A strip along `direction`, winding by `wiggle`.
        case band(direction: (x: Float, y: Float), offset: Float, halfWidth: Float, wiggle: Float)
        /// A disc whose radius varies by `raggedness` (a share of it).
        case disc(u: Float, v: Float, radius: Float, raggedness: Float)
        /// Everything on one side of a line.
        case side(direction: (x: Float, y: Float), offset: Float, wiggle: Float)
    }

    var region: Region
    var surface: Surface
    var segment: Segment = .ground
    /// The width of the soft edge.
    var softness: Float = 0.02
    var seed: UInt32 = 0

    /// How much of the layer covers the point, from 0 to 1.
    @inline(__always)
    func coverage(_ u: Float, _ v: Float) -> Float {
        let inside: Float
        switch region {
        case .band(let direction, let offset, let halfWidth, let wiggle):
            inside = halfWidth - abs(across(u, v, direction, wiggle) - offset)
        case .disc(let centreU, let centreV, let radius, let raggedness):
            let x = u - centreU, y = v - centreV
            let distance = (x * x + y * y).squareRoot()
            if distance > radius * (1 + raggedness) { return 0 }
            let bearing = 2.2 / max(distance, 1e-3)
            let bump = noise(x * bearing, y * bearing, seed: seed) - 0.5
            inside = radius * (1 + 2 * raggedness * bump) - distance
        case .side(let direction, let offset, let wiggle):
            inside = across(u, v, direction, wiggle) - offset
        }
        return saturate(inside / softness + 0.5)
    }

    /// The coordinate across a winding line.
    @inline(__always)
    private func across(_ u: Float, _ v: Float, _ direction: (x: Float, y: Float), _ wiggle: Float) -> Float {
        let side = v * direction.x - u * direction.y
        guard wiggle > 0 else { return side }
        let along = u * direction.x + v * direction.y
        return side + wiggle * (noise(along * 0.8, 0, seed: seed) - 0.5)
    }
}

/// What rays see that hit nothing.
struct Sky: Sendable {
    var horizon = Vector3(repeating: 0.8)
    var zenith = Vector3(repeating: 0.6)
    var clouds: Float = 0
    var seed: UInt32 = 0

    /// The colour in a direction of length one.
    @inline(__always)
    func colour(_ direction: Vector3) -> Vector3 {
        let base = mix(horizon, zenith, saturate(direction.y * 1.6))
        guard clouds > 0 else { return base }
        let u = direction.x * 3, v = direction.y * 6
        return mix(base, Vector3(repeating: 0.95), clouds * smoothstep(0.45, 0.8, noise(u, v, seed: seed)))
    }
}

/// One distant light and what comes from everywhere.
struct Light: Sendable {
    /// Towards the light, of length one.
    var direction: Vector3
    var colour: Vector3
    var ambient: Vector3
}

/// A pinhole camera.
struct Camera: Sendable {
    var position: Vector3
    /// `x` right, `y` up, `z` into the picture.
    var frame: Frame
    /// Half the picture's width at distance one.
    var slope: Float

    /// A camera at `position` that looks at `target`, turned about its axis by the sine `roll`.
    static func looking(
        from position: Vector3, at target: Vector3, slope: Float, roll: Float = 0, up: Vector3 = .up
    ) -> Camera {
        let z = (target - position).normalized
        let right = cross(up, z).normalized
        let level = Frame(x: right, y: cross(z, right), z: z)
        let cosine = (1 - roll * roll).squareRoot()
        let x = level.x * cosine + level.y * roll
        return Camera(position: position, frame: Frame(x: x, y: cross(z, x), z: z), slope: slope)
    }
}

/// What the sensor adds.
struct Film: Sendable {
    var exposure: Float = 1
    /// The amplitude of independent pixel noise.
    var noise: Float = 0
    var seed: UInt32 = 0
}
