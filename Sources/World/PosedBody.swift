/// A body as the camera sees it: the ray's parts in the body's own coordinates, and the square that bounds it.
struct PosedBody {
    let shape: Shape
    let frame: Frame
    let size: Float
    /// The camera's position in the body's coordinates.
    let origin: Vector3
    /// The camera's axes in the body's coordinates.
    let right, up, forward: Vector3
    /// The screen coordinates that the body can touch, rows counted downwards.
    let columns, rows: ClosedRange<Float>

    init(_ body: Body, camera: Camera) {
        shape = body.shape
        frame = body.frame
        size = body.size
        let scale = 1 / body.size
        origin = body.frame.local(camera.position - body.position) * scale
        right = body.frame.local(camera.frame.x) * scale
        up = body.frame.local(camera.frame.y) * scale
        forward = body.frame.local(camera.frame.z) * scale
        let view = camera.frame.local(body.position - camera.position)
        columns = Self.extent(view.x, view.z, body.size)
        rows = Self.extent(-view.y, view.z, body.size)
    }

    /// The point at a depth, behind a screen coordinate (rows counted upwards), in the body's coordinates.
    @inline(__always)
    func point(_ x: Float, _ y: Float, _ depth: Float) -> Vector3 { origin + (forward + right * x + up * y) * depth }

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

    /// A range of screen coordinates that contains the ball of radius `size` at `across`, `depth`.
    private static func extent(_ across: Float, _ depth: Float, _ size: Float) -> ClosedRange<Float> {
        // A ball around the camera, or behind it, is never drawn: an empty place far outside the picture.
        guard depth > size * 1.01 else { return 1e6...1e6 }
        let low = across - size, high = across + size
        return low / (low < 0 ? depth - size : depth + size)...high / (high > 0 ? depth - size : depth + size)
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
