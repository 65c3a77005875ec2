/// Three numbers: a point, a direction or a colour.
///
/// Only operations that IEEE 754 defines exactly are used in the whole module (no sine, no power), so that a
/// scene renders to the same bytes with every compiler and C library.
struct Vector3: Hashable, Sendable {
    var x, y, z: Float

    init(_ x: Float, _ y: Float, _ z: Float) {
        self.x = x
        self.y = y
        self.z = z
    }

    init(repeating value: Float) { self.init(value, value, value) }

    static let zero = Vector3(0, 0, 0)
    static let up = Vector3(0, 1, 0)

    var length: Float { dot(self, self).squareRoot() }
    var normalized: Vector3 { self * (1 / length) }
    var absolute: Vector3 { Vector3(abs(x), abs(y), abs(z)) }

    static func + (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x + b.x, a.y + b.y, a.z + b.z) }
    static func - (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x - b.x, a.y - b.y, a.z - b.z) }
    static func * (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x * b.x, a.y * b.y, a.z * b.z) }
    static func * (a: Vector3, s: Float) -> Vector3 { Vector3(a.x * s, a.y * s, a.z * s) }
    static prefix func - (a: Vector3) -> Vector3 { Vector3(-a.x, -a.y, -a.z) }
}

func dot(_ a: Vector3, _ b: Vector3) -> Float { a.x * b.x + a.y * b.y + a.z * b.z }

func cross(_ a: Vector3, _ b: Vector3) -> Vector3 {
    Vector3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

/// The value `t` of the way from `a` to `b`.
func mix(_ a: Vector3, _ b: Vector3, _ t: Float) -> Vector3 { a + (b - a) * t }

func mix(_ a: Float, _ b: Float, _ t: Float) -> Float { a + (b - a) * t }

/// `value`, held between 0 and 1.
@inline(__always)
func saturate(_ value: Float) -> Float { value < 0 ? 0 : value > 1 ? 1 : value }

/// A smooth step from 0 at `low` to 1 at `high`.
@inline(__always)
func smoothstep(_ low: Float, _ high: Float, _ value: Float) -> Float {
    let t = saturate((value - low) / (high - low))
    return t * t * (3 - 2 * t)
}

/// The greatest integer not above `value`, which must fit 32 bits. (`floorf` is a library call on plain x86-64.)
@inline(__always)
func floorInt(_ value: Float) -> Int32 {
    let truncated = Int32(value)
    return Float(truncated) > value ? truncated &- 1 : truncated
}

/// The fractional part, in [0, 1].
@inline(__always)
func fraction(_ value: Float) -> Float { value - Float(floorInt(value)) }

/// An orthonormal frame: the axes of a body or of the camera, in world coordinates.
struct Frame: Sendable {
    var x, y, z: Vector3

    static let identity = Frame(x: Vector3(1, 0, 0), y: Vector3(0, 1, 0), z: Vector3(0, 0, 1))

    /// World to local.
    func local(_ v: Vector3) -> Vector3 { Vector3(dot(x, v), dot(y, v), dot(z, v)) }

    /// Local to world.
    func world(_ v: Vector3) -> Vector3 { x * v.x + y * v.y + z * v.z }

    /// A frame turned about the vertical by the angle whose cosine and sine are given.
    static func turned(_ direction: (x: Float, y: Float)) -> Frame {
        Frame(
            x: Vector3(direction.x, 0, -direction.y), y: .up, z: Vector3(direction.y, 0, direction.x))
    }

    /// A frame whose `y` axis points along `axis`, turned about it by `direction`.
    static func tilted(axis: Vector3, _ direction: (x: Float, y: Float)) -> Frame {
        let y = axis.normalized
        let helper = abs(y.x) < 0.9 ? Vector3(1, 0, 0) : Vector3(0, 0, 1)
        let a = cross(helper, y).normalized
        let b = cross(y, a)
        let x = a * direction.x + b * direction.y
        return Frame(x: x, y: y, z: cross(x, y))
    }
}
