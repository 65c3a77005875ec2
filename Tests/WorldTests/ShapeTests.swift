import Testing

@testable import World

@Suite struct ShapeTests {
    /// Points all over the unit ball and a little beyond.
    static let points: [Vector3] = {
        var random = KeyedRandom(seed: 7, stream: 0, index: 0)
        return (0..<4000).map { _ in
            Vector3(random.uniform(-1.2...1.2), random.uniform(-1.2...1.2), random.uniform(-1.2...1.2))
        }
    }()

    @Test(arguments: Shape.allCases)
    func `every solid has an inside and fits the unit ball`(shape: Shape) {
        #expect(Self.points.contains { shape.distance($0) < 0 })
        #expect(Self.points.allSatisfy { $0.length < 1 || shape.distance($0) > 0 })
    }

    @Test(arguments: Shape.allCases)
    func `distances never overstate, so sphere tracing cannot step through a surface`(shape: Shape) {
        for (p, q) in zip(Self.points, Self.points.dropFirst()) {
            #expect(abs(shape.distance(p) - shape.distance(q)) <= (p - q).length * 1.001)
        }
    }

    @Test(arguments: Shape.allCases)
    func `an upright solid reaches exactly the ground it is placed on`(shape: Shape) {
        let lowest = Self.points.map { point in
            // March each point down to the surface below it, if there is one.
            stride(from: Float(-1.2), through: 1.2, by: 0.01).first {
                shape.distance(Vector3(point.x, $0, point.z)) <= 0
            } ?? 1
        }.min()
        #expect(abs((lowest ?? 1) + shape.depthBelowOrigin) < 0.05)
    }

    @Test(arguments: Shape.allCases)
    func `normals have length one and point outwards`(shape: Shape) {
        for point in Self.points where abs(shape.distance(point)) < 0.05 {
            let normal = shape.normal(point)
            #expect(abs(normal.length - 1) < 1e-4)
            #expect(shape.distance(point + normal * 0.02) > shape.distance(point))
        }
    }
}
