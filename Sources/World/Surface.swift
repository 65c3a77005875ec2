/// A two-colour surface pattern with its own scale, direction and phase.
struct Surface: Sendable {
    var texture: Texture
    /// The colour that names the surface.
    var primary: Vector3
    /// The colour of the pattern's other half: mortar, gaps, the second stripe.
    var secondary: Vector3
    /// Periods per unit of length.
    var frequency: Float
    /// Cosine and sine of the pattern's turn in the surface.
    var turn: (x: Float, y: Float) = (1, 0)
    /// Where the pattern starts.
    var phase: (u: Float, v: Float) = (0, 0)
    /// Fine grain of the material, as a share of brightness.
    var grain: Float = 0
    /// Seeds the noise in the pattern.
    var seed: UInt32 = 0

    /// The colour at surface coordinates `u`, `v`; `footprint` is the distance between samples there, in units
    /// of length: a pattern finer than that fades to its mean instead of flickering.
    @inline(__always)
    func colour(u: Float, v: Float, footprint: Float) -> Vector3 {
        let a = (u * turn.x + v * turn.y) * frequency + phase.u
        let b = (v * turn.x - u * turn.y) * frequency + phase.v
        var share = texture.share(a, b, seed: seed)
        let blur = footprint * frequency
        if blur > 0.35 { share = mix(share, texture.meanShare, saturate((blur - 0.35) * 3)) }
        let colour = mix(primary, secondary, share)
        guard grain > 0 else { return colour }
        return colour * (1 + grain * (noise(a * 3.1, b * 3.1, seed: seed ^ 0x9d2c) - 0.5))
    }
}

extension Texture {
    /// The share of the secondary colour at pattern coordinates `u`, `v`, whose period is about one.
    @inline(__always)
    func share(_ u: Float, _ v: Float, seed: UInt32) -> Float {
        switch self {
        case .plain:
            return 0
        case .checker:
            return ((floorInt(u * 1.4) &+ floorInt(v * 1.4)) & 1) == 0 ? 0 : 1
        case .stripes:
            return fraction(u) < 0.5 ? 0 : 1
        case .dots:
            let x = fraction(u) - 0.5, y = fraction(v) - 0.5
            return x * x + y * y < 0.095 ? 1 : 0
        case .bricks:
            let row = floorInt(v * 1.6)
            let along = fraction(u * 0.8 + ((row & 1) == 0 ? 0 : 0.5))
            return fraction(v * 1.6) < 0.22 || along < 0.14 ? 1 : 0
        case .blotches:
            return smoothstep(0.45, 0.58, noise(u * 1.3, v * 1.3, seed: seed))
        case .rings:
            let x = u - 0.3, y = v - 0.3
            let radius = (x * x + y * y).squareRoot() + 0.25 * noise(u, v, seed: seed)
            return fraction(radius) < 0.5 ? 0 : 1
        case .gradient:
            let t = fraction(v * 0.35)
            return t < 0.5 ? 2 * t : 2 - 2 * t
        case .grid:
            return fraction(u) < 0.24 || fraction(v) < 0.24 ? 1 : 0
        case .zigzag:
            let wave = abs(fraction(u * 0.7) - 0.5)
            return fraction(v + 1.3 * wave) < 0.5 ? 0 : 1
        }
    }

    /// The share of the secondary colour over a large area.
    var meanShare: Float {
        switch self {
        case .plain: 0
        case .dots: 0.3
        case .bricks: 0.33
        case .grid: 0.42
        case .checker, .stripes, .blotches, .rings, .gradient, .zigzag: 0.5
        }
    }
}

extension Tint {
    /// The colour in the middle of its range, red, green and blue in 0...1.
    var colour: Vector3 {
        switch self {
        case .red: Vector3(0.82, 0.14, 0.14)
        case .orange: Vector3(0.93, 0.50, 0.10)
        case .yellow: Vector3(0.92, 0.84, 0.18)
        case .green: Vector3(0.18, 0.62, 0.22)
        case .cyan: Vector3(0.18, 0.74, 0.76)
        case .blue: Vector3(0.16, 0.28, 0.80)
        case .purple: Vector3(0.52, 0.20, 0.68)
        case .pink: Vector3(0.92, 0.52, 0.68)
        case .brown: Vector3(0.46, 0.29, 0.15)
        case .white: Vector3(0.90, 0.90, 0.88)
        }
    }

    /// The colour with a little of everything else mixed in.
    func jittered(_ random: inout KeyedRandom) -> Vector3 {
        let light = random.uniform(0.85...1.1)
        return Vector3(
            saturate(colour.x * light + random.uniform(-0.06...0.06)),
            saturate(colour.y * light + random.uniform(-0.06...0.06)),
            saturate(colour.z * light + random.uniform(-0.06...0.06)))
    }
}
