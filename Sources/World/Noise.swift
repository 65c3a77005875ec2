/// A well-mixed number in [0, 1) for a lattice point.
@inline(__always)
func latticeValue(_ x: Int32, _ y: Int32, _ z: Int32, seed: UInt32) -> Float {
    var h = UInt32(bitPattern: x) &* 0x9E37_79B1
    h = h ^ (UInt32(bitPattern: y) &* 0x85EB_CA77) ^ (UInt32(bitPattern: z) &* 0xC2B2_AE3D) ^ seed
    h = (h ^ (h >> 15)) &* 0x2C1B_3C6D
    h = (h ^ (h >> 12)) &* 0x297A_2D39
    return Float((h ^ (h >> 15)) >> 8) * 0x1p-24
}

/// Smooth noise in the plane, in [0, 1]: lattice values joined by cubic steps.
@inline(__always)
func noise(_ u: Float, _ v: Float, seed: UInt32) -> Float {
    let i = floorInt(u), j = floorInt(v)
    let a = u - Float(i), b = v - Float(j)
    let s = a * a * (3 - 2 * a), t = b * b * (3 - 2 * b)
    let low = mix(latticeValue(i, j, 0, seed: seed), latticeValue(i &+ 1, j, 0, seed: seed), s)
    let high = mix(latticeValue(i, j &+ 1, 0, seed: seed), latticeValue(i &+ 1, j &+ 1, 0, seed: seed), s)
    return mix(low, high, t)
}

/// Two octaves of `noise(_:_:seed:)`, still in [0, 1].
@inline(__always)
func fractalNoise(_ u: Float, _ v: Float, seed: UInt32) -> Float {
    noise(u, v, seed: seed) * 0.67 + noise(u * 2.03 + 5.2, v * 2.03 + 1.3, seed: seed ^ 0x5bd1) * 0.33
}
