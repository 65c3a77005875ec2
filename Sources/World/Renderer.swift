/// Renders scenes by sphere tracing, two by two samples a pixel.
///
/// Two passes: *visibility* writes each sample's depth and owner (bodies only inside the square that bounds
/// them), *shading* then evaluates one surface per sample. Screen coordinates run to the right and upwards and
/// reach `camera.slope` at the picture's edges.
struct Renderer {
    /// The depth where a ray meets nothing.
    static let farDepth: Float = 100
    /// Samples along each side of a pixel.
    static let samples = 2

    let scene: Scene
    let size: Int
    /// Samples along the picture's side.
    let side: Int
    let planes: [PosedPlane]
    let bodies: [PosedBody]
    /// Distance along the view axis, per sample.
    private(set) var depth: [Float]
    /// 0 for the sky, then planes, then bodies.
    private(set) var owner: [UInt8]
    /// The screen coordinate of each column of samples; rows have the same, negated.
    private let screen: [Float]

    init(_ scene: Scene, size: Int) {
        precondition(size > 0, "Retort bug: an image of \(size) pixels")
        precondition(scene.planes.count + scene.bodies.count < 255, "Retort bug: too many things in a scene")
        let side = size * Self.samples
        self.scene = scene
        self.size = size
        self.side = side
        planes = scene.planes.map { PosedPlane($0, in: scene) }
        bodies = scene.bodies.map { PosedBody($0, camera: scene.camera) }
        depth = [Float](repeating: Self.farDepth, count: side * side)
        owner = [UInt8](repeating: 0, count: side * side)
        screen = (0..<side).map { ((Float($0) + 0.5) * 2 / Float(side) - 1) * scene.camera.slope }
        for index in planes.indices { cover(planes[index], owner: UInt8(1 + index)) }
        for index in bodies.indices { trace(bodies[index], owner: UInt8(1 + planes.count + index)) }
    }

    /// The picture: 8-bit red, green, blue, row by row.
    func pixels() -> [UInt8] {
        let colours = colours()
        let share = scene.film.exposure * 255 / Float(Self.samples * Self.samples)
        return [UInt8](unsafeUninitializedCapacity: size * size * 3) { pixels, count in
            for y in 0..<size {
                for x in 0..<size {
                    let at = 2 * (y * side + x)
                    let sum = colours[at] + colours[at + 1] + colours[at + side] + colours[at + side + 1]
                    let value = sum * share + grain(x, y)
                    let pixel = 3 * (y * size + x)
                    pixels[pixel] = byte(value.x)
                    pixels[pixel + 1] = byte(value.y)
                    pixels[pixel + 2] = byte(value.z)
                }
            }
            count = size * size * 3
        }
    }

    /// The sensor's noise at a pixel.
    @inline(__always)
    private func grain(_ x: Int, _ y: Int) -> Vector3 {
        let film = scene.film
        func channel(_ index: Int32) -> Float {
            let a = latticeValue(Int32(x), Int32(y), index, seed: film.seed)
            let b = latticeValue(Int32(x), Int32(y), index + 3, seed: film.seed)
            return (a + b - 1) * film.noise * 255
        }
        return film.noise > 0 ? Vector3(channel(0), channel(1), channel(2)) : .zero
    }

    @inline(__always)
    private func byte(_ value: Float) -> UInt8 { value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value + 0.5) }
}

// MARK: Visibility

extension Renderer {
    private mutating func cover(_ plane: PosedPlane, owner id: UInt8) {
        // Planes are seen from the front only.
        guard plane.height > 0 else { return }
        let side = side
        depth.withUnsafeMutableBufferPointer { depth in
            owner.withUnsafeMutableBufferPointer { owner in
                screen.withUnsafeBufferPointer { screen in
                    for y in 0..<side {
                        for x in 0..<side {
                            guard let t = plane.hit(screen[x], -screen[y]) else { continue }
                            let at = y * side + x
                            if t < depth[at] {
                                depth[at] = t
                                owner[at] = id
                            }
                        }
                    }
                }
            }
        }
    }

    private mutating func trace(_ body: PosedBody, owner id: UInt8) {
        guard let columns = samples(body.columns), let rows = samples(body.rows) else { return }
        let side = side
        depth.withUnsafeMutableBufferPointer { depth in
            owner.withUnsafeMutableBufferPointer { owner in
                screen.withUnsafeBufferPointer { screen in
                    for y in rows {
                        let row = body.forward - body.up * screen[y]
                        for x in columns {
                            let at = y * side + x
                            if let t = body.hit(row + body.right * screen[x], before: depth[at]) {
                                depth[at] = t
                                owner[at] = id
                            }
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
    /// The screen coordinates of a sample.
    @inline(__always)
    func position(_ x: Int, _ y: Int) -> (x: Float, y: Float) { (screen[x], -screen[y]) }

    /// The colour of every sample.
    ///
    /// One pass for each thing that is seen, so that its constants stay at hand.
    private func colours() -> [Vector3] {
        let frame = scene.camera.frame
        let pitch = scene.camera.slope * 2 / Float(side)
        return [Vector3](unsafeUninitializedCapacity: side * side) { colours, count in
            forEachSample(of: 0) { at, x, y, _ in
                colours[at] = scene.sky.colour((frame.z + frame.x * x + frame.y * y).normalized)
            }
            for (index, plane) in planes.enumerated() {
                forEachSample(of: UInt8(1 + index)) { at, x, y, t in
                    let stretch = (1 + x * x + y * y).squareRoot()
                    colours[at] = plane.colour(x, y, t, footprint: t * pitch * stretch)
                }
            }
            for (index, body) in bodies.enumerated() {
                guard let columns = samples(body.columns), let rows = samples(body.rows) else { continue }
                forEachSample(of: UInt8(1 + planes.count + index), rows: rows, columns: columns) {
                    at, x, y, t in
                    let direction = frame.z + frame.x * x + frame.y * y
                    colours[at] = body.colour(x, y, t, direction, t * pitch, scene.light)
                }
            }
            count = side * side
        }
    }

    /// Calls `visit` with the index, the screen coordinates and the depth of each sample of one owner.
    @inline(__always)
    private func forEachSample(
        of id: UInt8, rows: ClosedRange<Int>? = nil, columns: ClosedRange<Int>? = nil,
        _ visit: (Int, Float, Float, Float) -> Void
    ) {
        let all = 0...side - 1
        depth.withUnsafeBufferPointer { depth in
            owner.withUnsafeBufferPointer { owner in
                screen.withUnsafeBufferPointer { screen in
                    for y in rows ?? all {
                        for x in columns ?? all where owner[y * side + x] == id {
                            visit(y * side + x, screen[x], -screen[y], depth[y * side + x])
                        }
                    }
                }
            }
        }
    }

    /// The world normal at a sample; zero where it shows the sky.
    func normal(_ x: Int, _ y: Int) -> Vector3 {
        let id = Int(owner[y * side + x])
        guard id > 0 else { return .zero }
        guard id > planes.count else { return planes[id - 1].normal }
        let body = bodies[id - 1 - planes.count]
        let at = position(x, y)
        return body.frame.world(body.shape.normal(body.point(at.x, at.y, depth[y * side + x])))
    }

    /// The semantic class of a sample.
    func segment(_ x: Int, _ y: Int) -> Segment {
        let id = Int(owner[y * side + x])
        guard id > 0 else { return .backdrop }
        guard id > planes.count else {
            let at = position(x, y)
            return planes[id - 1].segment(at.x, at.y, depth[y * side + x])
        }
        return Segment(bodies[id - 1 - planes.count].shape)
    }
}
