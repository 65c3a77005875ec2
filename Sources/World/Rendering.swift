public import Vision

/// A rendered scene: the picture and what is exactly true about each of its pixels.
public struct Rendering: Sendable {
    /// The picture.
    public let image: Image
    /// What each pixel shows: 0 the sky, then the scene's planes, then its bodies.
    public let instances: [UInt8]
    /// The semantic class of each pixel (`Segment`).
    public let segments: [UInt8]
    /// The distance along the view axis of each pixel; `skyDepth` where there is only sky.
    public let depth: [Float]
    /// The unit surface normal of each pixel in camera coordinates (right, up, towards the camera), three
    /// numbers a pixel; zero where there is only sky.
    public let normals: [Float]
    /// The instance of the subject, if the scene has one.
    public let subject: UInt8?

    /// The depth of the sky.
    public static let skyDepth = Renderer.farDepth

    /// Renders a scene at `size` pixels a side.
    public init(_ scene: Scene, size: Int) {
        let renderer = Renderer(scene, size: size)
        image = Image(width: size, height: size, pixels: renderer.pixels())
        subject = scene.shape == nil ? nil : UInt8(1 + scene.planes.count)
        var instances = [UInt8](), segments = [UInt8](), depth = [Float](), normals = [Float]()
        for y in 0..<size {
            for x in 0..<size {
                let truth = renderer.truth(x, y)
                instances.append(truth.instance)
                segments.append(truth.segment.rawValue)
                depth.append(truth.depth)
                normals += [truth.normal.x, truth.normal.y, truth.normal.z]
            }
        }
        self.instances = instances
        self.segments = segments
        self.depth = depth
        self.normals = normals
    }
}

extension Renderer {
    /// What is true about one pixel.
    struct Truth {
        var instance: UInt8
        var segment: Segment
        var depth: Float
        var normal: Vector3
    }

    /// The instance that most of a pixel's samples show (of equals, the nearer), and the mean of its samples.
    func truth(_ x: Int, _ y: Int) -> Truth {
        let corners = [(2 * x, 2 * y), (2 * x + 1, 2 * y), (2 * x, 2 * y + 1), (2 * x + 1, 2 * y + 1)]
        let indices = corners.map { $0.1 * side + $0.0 }
        let best = indices.max { a, b in
            let countA = indices.count { owner[$0] == owner[a] },
                countB = indices.count { owner[$0] == owner[b] }
            return (countA, depth[b]) < (countB, depth[a])
        }
        let instance = owner[best ?? indices[0]]
        let shown = zip(corners, indices).filter { owner[$0.1] == instance }
        var totalDepth: Float = 0
        var normal = Vector3.zero
        for (corner, index) in shown {
            totalDepth += depth[index]
            normal = normal + self.normal(corner.0, corner.1)
        }
        let toCamera = scene.camera.frame.local(normal)
        let length = toCamera.length
        return Truth(
            instance: instance, segment: segment(shown[0].0.0, shown[0].0.1),
            depth: totalDepth / Float(shown.count),
            normal: length > 0 ? Vector3(toCamera.x, toCamera.y, -toCamera.z) * (1 / length) : .zero)
    }
}
