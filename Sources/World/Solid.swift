/// The solids as signed distances in their own coordinates; all fit the unit ball.
extension Shape {
    /// A lower bound of the distance from `p` to the surface, negative inside.
    ///
    /// Shapes with flat faces return the largest plane distance, which is exact near faces and never too large
    /// elsewhere: what sphere tracing needs.
    @inline(__always)
    func distance(_ p: Vector3) -> Float {
        switch self {
        case .sphere:
            return p.length - 0.8
        case .box:
            return boxDistance(p, Vector3(0.56, 0.56, 0.56))
        case .cylinder:
            return max((p.x * p.x + p.z * p.z).squareRoot() - 0.5, abs(p.y) - 0.7)
        case .cone:
            // The side plane through the rim (0.68, −0.62) and the tip (0, 0.9), in the half plane (radius, y).
            let radius = (p.x * p.x + p.z * p.z).squareRoot()
            return max(radius * 0.912_7 + (p.y - 0.9) * 0.408_3, -0.62 - p.y)
        case .torus:
            let ring = (p.x * p.x + p.y * p.y).squareRoot() - 0.64
            return (ring * ring + p.z * p.z).squareRoot() - 0.25
        case .capsule:
            let y = p.y - (p.y < -0.5 ? -0.5 : p.y > 0.5 ? 0.5 : p.y)
            return Vector3(p.x, y, p.z).length - 0.38
        case .pyramid:
            return max(max(abs(p.x), abs(p.z)) * 0.912_7 + (p.y - 0.85) * 0.408_3, -0.5 - p.y)
        case .octahedron:
            let a = p.absolute
            return (a.x + a.y + a.z - 0.95) * 0.577_35
        case .cross:
            let bar: Float = 0.22, arm: Float = 0.8
            return min(
                boxDistance(p, Vector3(arm, bar, bar)),
                min(boxDistance(p, Vector3(bar, arm, bar)), boxDistance(p, Vector3(bar, bar, arm))))
        case .prism:
            // A triangular bar along z, standing on one face.
            let side = abs(p.x) * 0.866_025 + p.y * 0.5
            return max(max(side, -p.y) - 0.38, abs(p.z) - 0.6)
        case .dome:
            return max(Vector3(p.x, p.y + 0.35, p.z).length - 0.85, -0.35 - p.y)
        case .dumbbell:
            let y = abs(p.y) - 0.52
            let rod = max((p.x * p.x + p.z * p.z).squareRoot() - 0.16, abs(p.y) - 0.52)
            return min(Vector3(p.x, y, p.z).length - 0.4, rod)
        }
    }

    /// How far the solid reaches below its origin when it stands upright.
    var depthBelowOrigin: Float {
        switch self {
        case .sphere: 0.8
        case .box: 0.56
        case .cylinder: 0.7
        case .cone: 0.62
        case .torus: 0.89
        case .capsule: 0.88
        case .pyramid: 0.5
        case .octahedron: 0.95
        case .cross: 0.8
        case .prism: 0.38
        case .dome: 0.35
        case .dumbbell: 0.92
        }
    }

    /// The unit normal of the surface near `p`, by differences over the corners of a tetrahedron.
    func normal(_ p: Vector3) -> Vector3 {
        let h: Float = 0.004
        let a = distance(Vector3(p.x + h, p.y - h, p.z - h))
        let b = distance(Vector3(p.x - h, p.y - h, p.z + h))
        let c = distance(Vector3(p.x - h, p.y + h, p.z - h))
        let d = distance(Vector3(p.x + h, p.y + h, p.z + h))
        let gradient = Vector3(a - b - c + d, -a - b + c + d, -a + b - c + d)
        let length = gradient.length
        return length > 1e-8 ? gradient * (1 / length) : .up
    }
}

@inline(__always)
private func boxDistance(_ p: Vector3, _ half: Vector3) -> Float {
    let q = p.absolute - half
    let outside = Vector3(max(q.x, 0), max(q.y, 0), max(q.z, 0)).length
    return outside + min(max(q.x, max(q.y, q.z)), 0)
}
