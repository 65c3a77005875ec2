/// Renders scenes by sphere tracing, two by two samples a pixel.
///
/// Two passes: *visibility* writes each sample's depth and owner (bodies only inside the square that bounds
/// them), *shading* then evaluates one surface per sample.
struct Renderer {
    /// The depth where a ray meets nothing.
    static let farDepth: Float = 100
    /// Samples along each side of a pixel.
    static let samples = 2

    let scene: Scene
    let size: Int
    /// Samples along the picture's side.
    let side: Int
    /// Distance along the view axis, per sample.
    private(set) var depth: [Float]
    /// 0 for the sky, then planes, then bodies.
    private(set) var owner: [UInt8]
    private let bodies: [PosedBody]
    private let shadows: [[Shadow]]

    init(_ scene: Scene, size: Int) {
        precondition(size > 0 && scene.planes.count + scene.bodies.count < 255)
        self.scene = scene
        self.size = size
        side = size * Self.samples
        depth = [Float](repeating: Self.farDepth, count: side * side)
        owner = [UInt8](repeating: 0, count: side * side)
        bodies = scene.bodies.map { PosedBody($0, camera: scene.camera) }
        shadows = scene.planes.map { plane in
            plane.takesShadows ? scene.bodies.compactMap { Shadow($0, on: plane, light: scene.light) } : []
        }
        resolveVisibility()
    }

    /// The picture: 8-bit red, green, blue, row by row.
    func pixels() -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: size * size * 3)
        let film = scene.film
        let share = film.exposure * 255 / Float(Self.samples * Self.samples)
        pixels.withUnsafeMutableBufferPointer { pixels in
            for y in 0..<size {
                for x in 0..<size {
                    var sum = Vector3.zero
                    for sampleY in 2 * y...2 * y + 1 {
                        for sampleX in 2 * x...2 * x + 1 { sum = sum + colour(sampleX, sampleY) }
                    }
                    var value = sum * share
                    if film.noise > 0 {
                        let scale = film.noise * 255
                        value.x += scale * grain(x, y, 0)
                        value.y += scale * grain(x, y, 1)
                        value.z += scale * grain(x, y, 2)
                    }
                    let at = 3 * (y * size + x)
                    pixels[at] = byte(value.x)
                    pixels[at + 1] = byte(value.y)
                    pixels[at + 2] = byte(value.z)
                }
            }
        }
        return pixels
    }

    /// Noise of mean zero and spread about 0.4 for one channel of a pixel.
    private func grain(_ x: Int, _ y: Int, _ channel: Int32) -> Float {
        let a = latticeValue(Int32(x), Int32(y), channel, seed: scene.film.seed)
        let b = latticeValue(Int32(x), Int32(y), channel + 3, seed: scene.film.seed)
        return a + b - 1
    }

    private func byte(_ value: Float) -> UInt8 { value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value + 0.5) }
}

// MARK: Visibility

extension Renderer {
    /// The world direction of a sample's ray; its part along the view axis is one, so ray parameter is depth.
    @inline(__always)
    func ray(_ x: Int, _ y: Int) -> Vector3 {
        let frame = scene.camera.frame
        return frame.z + frame.x * screen(x) + frame.y * -screen(y)
    }

    /// The screen coordinate of a sample's column (or row, downwards).
    @inline(__always)
    func screen(_ index: Int) -> Float {
        ((Float(index) + 0.5) * 2 / Float(side) - 1) * scene.camera.slope
    }

    private mutating func resolveVisibility() {
        let camera = scene.camera
        let planes = scene.planes.map {
            (normal: $0.frame.y, height: dot($0.frame.y, camera.position - $0.origin))
        }
        for y in 0..<side {
            for x in 0..<side where !planes.isEmpty {
                let direction = ray(x, y)
                let at = y * side + x
                for (index, plane) in planes.enumerated() {
                    let approach = -dot(plane.normal, direction)
                    // Planes are seen from the front only.
                    guard approach > 1e-6, plane.height > 0 else { continue }
                    let t = plane.height / approach
                    if t < depth[at] {
                        depth[at] = t
                        owner[at] = UInt8(1 + index)
                    }
                }
            }
        }
        for index in bodies.indices { trace(bodies[index], owner: UInt8(1 + planes.count + index)) }
    }

    private mutating func trace(_ body: PosedBody, owner id: UInt8) {
        guard let columns = samples(body.columns), let rows = samples(body.rows) else { return }
        let side = side
        let slope = scene.camera.slope
        depth.withUnsafeMutableBufferPointer { depth in
            owner.withUnsafeMutableBufferPointer { owner in
                for y in rows {
                    let sy = -((Float(y) + 0.5) * 2 / Float(side) - 1) * slope
                    let row = body.forward + body.up * sy
                    for x in columns {
                        let sx = ((Float(x) + 0.5) * 2 / Float(side) - 1) * slope
                        let at = y * side + x
                        if let t = body.hit(row + body.right * sx, before: depth[at]) {
                            depth[at] = t
                            owner[at] = id
                        }
                    }
                }
            }
        }
    }

    /// The samples whose screen coordinates lie in `range`, or nil if none does.
    private func samples(_ range: ClosedRange<Float>) -> ClosedRange<Int>? {
        let scale = Float(side) / (2 * scene.camera.slope)
        let low = range.lowerBound * scale + Float(side) / 2
        let high = range.upperBound * scale + Float(side) / 2
        guard high >= 0, low < Float(side) else { return nil }
        return Int(max(0, low))...Int(min(Float(side - 1), high))
    }
}

// MARK: Shading

extension Renderer {
    @inline(__always)
    private func colour(_ x: Int, _ y: Int) -> Vector3 {
        let at = y * side + x
        let id = Int(owner[at])
        let direction = ray(x, y)
        guard id > 0 else { return scene.sky.colour(direction.normalized, frame: .identity) }
        let t = depth[at]
        let footprint = t * scene.camera.slope * 2 / Float(side)
        if id <= scene.planes.count { return plane(id - 1, direction, t, footprint) }
        return body(id - 1 - scene.planes.count, x, y, direction, t, footprint)
    }

    /// The coordinates of a sample on a plane.
    @inline(__always)
    func planePoint(_ index: Int, _ direction: Vector3, _ t: Float) -> Vector3 {
        scene.planes[index].frame.local(scene.camera.position + direction * t - scene.planes[index].origin)
    }

    /// The world normal of a body at a sample that shows it.
    func bodyNormal(_ index: Int, _ x: Int, _ y: Int) -> Vector3 {
        let posed = bodies[index]
        return posed.frame.world(posed.shape.normal(posed.point(screen(x), -screen(y), depth[y * side + x])))
    }

    @inline(__always)
    private func plane(_ index: Int, _ direction: Vector3, _ t: Float, _ footprint: Float) -> Vector3 {
        let local = planePoint(index, direction, t)
        // Planes are seen at a slant, which stretches the distance between samples.
        let slant = footprint * direction.length / max(0.05, abs(dot(scene.planes[index].frame.y, direction)))
        var colour = scene.planes[index].surface.colour(u: local.x, v: local.z, footprint: slant)
        for layer in scene.planes[index].layers {
            let coverage = layer.coverage(local.x, local.z)
            guard coverage > 0 else { continue }
            colour = mix(
                colour, layer.surface.colour(u: local.x, v: local.z, footprint: slant), coverage)
        }
        var open: Float = 1
        for shadow in shadows[index] { open *= shadow.openness(local.x, local.z) }
        let diffuse = max(0.15, dot(scene.planes[index].frame.y, scene.light.direction)) * open
        return colour * (scene.light.ambient * (0.5 + 0.5 * open) + scene.light.colour * diffuse)
    }

    @inline(__always)
    private func body(
        _ index: Int, _ x: Int, _ y: Int, _ direction: Vector3, _ t: Float, _ footprint: Float
    ) -> Vector3 {
        let posed = bodies[index]
        let p = posed.point(screen(x), -screen(y), t)
        let localNormal = posed.shape.normal(p)
        let normal = posed.frame.world(localNormal)
        // Patterns are projected along the axis that the surface faces most.
        let facing = localNormal.absolute
        let (u, v) =
            facing.y >= facing.x && facing.y >= facing.z
            ? (p.x, p.z) : facing.x >= facing.z ? (p.z, p.y) : (p.x, p.y)
        let base = scene.bodies[index].surface.colour(u: u, v: v, footprint: footprint / posed.size)
        let diffuse = dot(normal, scene.light.direction)
        let ambient = scene.light.ambient * (0.8 + 0.2 * normal.y)
        var lit = base * (ambient + scene.light.colour * max(0, diffuse))
        let gloss = scene.bodies[index].gloss
        if gloss > 0, diffuse > 0 {
            let half = (scene.light.direction - direction.normalized).normalized
            let square = max(0, dot(normal, half)) * max(0, dot(normal, half))
            let fourth = square * square * square * square
            lit = lit + scene.light.colour * (gloss * fourth * fourth * fourth)
        }
        return lit
    }
}
