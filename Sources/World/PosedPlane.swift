/// A plane as the camera sees it, with the shadows that fall on it.
struct PosedPlane {
    /// In world coordinates.
    let normal: Vector3
    /// The camera's distance in front of the plane.
    let height: Float
    /// The camera's position in the plane's coordinates.
    private let origin: Vector3
    /// The camera's axes in the plane's coordinates.
    private let right, up, forward: Vector3
    private let surface: Surface
    private let layers: [Layer]
    private let base: Segment
    private let shadows: [Shadow]
    private let ambient, direct: Vector3

    init(_ plane: Plane, in scene: Scene) {
        let camera = scene.camera
        normal = plane.frame.y
        origin = plane.frame.local(camera.position - plane.origin)
        height = origin.y
        right = plane.frame.local(camera.frame.x)
        up = plane.frame.local(camera.frame.y)
        forward = plane.frame.local(camera.frame.z)
        surface = plane.surface
        layers = plane.layers
        base = plane.segment
        shadows =
            plane.takesShadows ? scene.bodies.compactMap { Shadow($0, on: plane, light: scene.light) } : []
        ambient = scene.light.ambient
        // Walls that face away from the light still get a little of it from the ground.
        direct = scene.light.colour * max(0.15, dot(normal, scene.light.direction))
    }

    /// The depth at which the ray behind a screen coordinate meets the plane.
    @inline(__always)
    func hit(_ x: Float, _ y: Float) -> Float? {
        let approach = -(forward.y + right.y * x + up.y * y)
        return approach > 1e-6 ? height / approach : nil
    }

    /// The colour at a depth behind a screen coordinate; `footprint` is the distance between samples across the
    /// ray, times the ray's length per unit of depth.
    @inline(__always)
    func colour(_ x: Float, _ y: Float, _ depth: Float, footprint: Float) -> Vector3 {
        let p = point(x, y, depth)
        // A plane is seen at a slant, which stretches the distance between samples on it.
        let slant = min(20, depth / height)
        var colour = surface.colour(u: p.x, v: p.z, footprint: footprint * slant)
        for index in layers.indices {
            let coverage = layers[index].coverage(p.x, p.z)
            guard coverage > 0 else { continue }
            let covering = layers[index].surface.colour(u: p.x, v: p.z, footprint: footprint * slant)
            colour = mix(colour, covering, coverage)
        }
        var open: Float = 1
        for index in shadows.indices { open *= shadows[index].openness(p.x, p.z) }
        return colour * (ambient * (0.5 + 0.5 * open) + direct * open)
    }

    /// The semantic class at a depth behind a screen coordinate: that of the uppermost layer.
    func segment(_ x: Float, _ y: Float, _ depth: Float) -> Segment {
        let p = point(x, y, depth)
        return layers.last { $0.coverage(p.x, p.z) > 0.5 }?.segment ?? base
    }

    @inline(__always)
    private func point(_ x: Float, _ y: Float, _ depth: Float) -> Vector3 {
        origin + (forward + right * x + up * y) * depth
    }
}

/// The soft shadow of a body on a plane: a disc, cheap and enough to tie a body to the ground.
struct Shadow {
    let u, v: Float
    let inverseSquare: Float
    let strength: Float

    init?(_ body: Body, on plane: Plane, light: Light) {
        let height = dot(plane.frame.y, body.position - plane.origin)
        let approach = dot(plane.frame.y, light.direction)
        guard approach > 0.2, height > 0, height < 3 * body.size else { return nil }
        let foot = body.position - light.direction * (height / approach) - plane.origin
        let local = plane.frame.local(foot)
        u = local.x
        v = local.z
        let radius = 1.1 * body.size
        inverseSquare = 1 / (radius * radius)
        strength = 0.75
    }

    /// The share of the light that arrives.
    @inline(__always)
    func openness(_ atU: Float, _ atV: Float) -> Float {
        let x = atU - u, y = atV - v
        let near = 1 - (x * x + y * y) * inverseSquare
        return near > 0 ? 1 - strength * near * (2 - near) : 1
    }
}
