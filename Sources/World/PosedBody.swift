/// A body as the camera sees it: the ray's parts in the body's own coordinates, and the square that bounds it.
struct PosedBody {
    let shape: Shape
    let frame: Frame
    let size: Float
    let surface: Surface
    let gloss: Float
    /// The camera's position in the body's coordinates.
    let origin: Vector3
    /// The camera's axes in the body's coordinates.
    let right, up, forward: Vector3
    /// The screen coordinates that the body can touch, rows counted downwards, as samples are.
    let columns, rows: ClosedRange<Float>

    init(_ body: Body, camera: Camera) {
        shape = body.shape
        frame = body.frame
        size = body.size
        surface = body.surface
        gloss = body.gloss
        let scale = 1 / body.size
        origin = body.frame.local(camera.position - body.position) * scale
        right = body.frame.local(camera.frame.x) * scale
        up = body.frame.local(camera.frame.y) * scale
        forward = body.frame.local(camera.frame.z) * scale
        let view = camera.frame.local(body.position - camera.position)
        columns = Self.extent(view.x, view.z, body.size)
        rows = Self.extent(-view.y, view.z, body.size)
    }

    /// The point at a depth behind a screen coordinate, in the body's coordinates.
    @inline(__always)
    func point(_ x: Float, _ y: Float, _ depth: Float) -> Vector3 {
        origin + (forward + right * x + up * y) * depth
    }

    /// The depth at which a ray from the camera first meets the body, if it does so before `limit`.
    @inline(__always)
    func hit(_ direction: Vector3, before limit: Float) -> Float? {
        let a = dot(direction, direction)
        let b = dot(origin, direction)
        let discriminant = b * b - a * (dot(origin, origin) - 1)
        guard discriminant > 0 else { return nil }
        let reach = discriminant.squareRoot()
        var t = max(0, (-b - reach) / a)
        let end = min(limit, (reach - b) / a)
        let pace = 1 / a.squareRoot()
        var steps = 0
        while t < end {
            let distance = shape.distance(origin + direction * t)
            if distance < 0.006 { return t }
            t += distance * pace
            steps += 1
            if steps == 48 { return distance < 0.03 ? t : nil }
        }
        return nil
    }

    /// The colour of the surface at a depth behind a screen coordinate.
    @inline(__always)
    func colour(
        _ x: Float, _ y: Float, _ depth: Float, _ direction: Vector3, _ footprint: Float, _ light: Light
    ) -> Vector3 {
        let p = point(x, y, depth)
        let localNormal = shape.normal(p)
        let normal = frame.world(localNormal)
        // Patterns are projected along the axis that the surface faces most.
        let facing = localNormal.absolute
        let (u, v) =
            facing.y >= facing.x && facing.y >= facing.z
            ? (p.x, p.z) : facing.x >= facing.z ? (p.z, p.y) : (p.x, p.y)
        let base = surface.colour(u: u, v: v, footprint: footprint / size)
        let diffuse = dot(normal, light.direction)
        let lit = base * (light.ambient * (0.8 + 0.2 * normal.y) + light.colour * max(0, diffuse))
        guard gloss > 0, diffuse > 0 else { return lit }
        let half = (light.direction - direction.normalized).normalized
        let cosine = max(0, dot(normal, half))
        let fourth = cosine * cosine * cosine * cosine
        let eighth = fourth * fourth
        return lit + light.colour * (gloss * eighth * eighth * eighth)
    }

    /// A range of screen coordinates that contains the ball of radius `size` at `across`, `depth`.
    private static func extent(_ across: Float, _ depth: Float, _ size: Float) -> ClosedRange<Float> {
        // A ball around the camera, or behind it, is never drawn: an empty place far outside the picture.
        guard depth > size * 1.01 else { return 1e6...1e6 }
        let low = across - size, high = across + size
        return low / (low < 0 ? depth - size : depth + size)...high / (high > 0 ? depth - size : depth + size)
    }
}
