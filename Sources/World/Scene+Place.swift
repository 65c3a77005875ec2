/// The classes of the `layouts` domain.
enum Place: String, CaseIterable {
    case room, corridor, colonnade, street, field, woods, beach, mountains
}

extension Scene {
    /// A place seen at eye height, along the positive z axis.
    static func place(_ place: Place, class index: Int, _ random: inout KeyedRandom) -> Scene {
        var site = Site(&random)
        site.build(place, &random)
        let eye = Vector3(random.uniform(-0.4...0.4), random.uniform(0.9...1.7), -3)
        let target = Vector3(random.uniform(-1...1), random.uniform(0.5...1.4), 2)
        return Scene(
            domain: .layouts, classIndex: index, caption: place.phrase,
            camera: .looking(
                from: eye, at: target, slope: random.uniform(0.5...0.7), roll: random.uniform(-0.06...0.06)),
            light: .random(height: 0.5...2, &random), sky: site.sky, planes: site.planes, bodies: site.bodies,
            film: .random(&random))
    }
}

extension Place {
    fileprivate var phrase: String {
        switch self {
        case .room: "a furnished room"
        case .corridor: "a long corridor"
        case .colonnade: "a colonnade"
        case .street: "a street between houses"
        case .field: "an open field"
        case .woods: "a path through the woods"
        case .beach: "a beach by the sea"
        case .mountains: "mountains beyond a plain"
        }
    }
}

/// A place under construction.
private struct Site {
    var planes: [Plane] = []
    var bodies: [Body] = []
    var sky: Sky

    init(_ random: inout KeyedRandom) { sky = random.chance(0.6) ? .clear(&random) : .overcast(&random) }

    mutating func build(_ place: Place, _ random: inout KeyedRandom) {
        let grass = Vector3(0.33, 0.52, 0.2) * random.uniform(0.75...1.2)
        let grey = Vector3(repeating: random.uniform(0.35...0.65))
        switch place {
        case .room:
            enclose(halfWidth: random.uniform(1.8...2.8), depth: random.uniform(2.5...4), &random)
            furnish(2 + random.integer(below: 4), &random)
        case .corridor:
            enclose(halfWidth: random.uniform(0.8...1.2), depth: random.uniform(8...12), &random)
        case .colonnade:
            planes = [.ground(.random(.checker, grey * 1.3, grey * 0.8, random.uniform(0.6...1), &random))]
            let stone = Vector3(0.82, 0.78, 0.7) * random.uniform(0.7...1.1)
            line(4, [.cylinder], across: random.uniform(1...1.5), size: 1...1.2, [stone], &random)
        case .street:
            let road = Layer(
                region: .band(direction: (0, 1), offset: 0, halfWidth: random.uniform(0.8...1.1), wiggle: 0),
                surface: .random(.plain, grey * 0.6, grey, 1, grain: 0.15, &random), segment: .path)
            planes = [.ground(.random(.grid, grey * 1.3, grey, 1.5, &random), layers: [road])]
            let walls = [Vector3(0.7, 0.4, 0.3), Vector3(0.8, 0.72, 0.55), Vector3(0.6, 0.62, 0.66)]
            line(
                3, [.box], across: random.uniform(2.2...2.7), size: 1.8...2.3, walls, texture: .bricks,
                &random)
        case .field:
            let pattern = random.pick([Texture.stripes, .blotches, .plain])
            planes = [
                .ground(.random(pattern, grass, grass * 0.75, random.uniform(0.5...1.2), grain: 0.4, &random))
            ]
            stand(
                random.integer(below: 4), [.sphere, .cone], z: 6...12, size: 0.6...1.2, [grass * 0.6], &random
            )
        case .woods:
            let path = Layer(
                region: .band(direction: (0, 1), offset: 0, halfWidth: 0.5, wiggle: 1),
                surface: .random(.plain, Vector3(0.5, 0.4, 0.26), grass, 1, grain: 0.3, &random),
                segment: .path,
                seed: random.next())
            planes = [
                .ground(
                    .random(.blotches, grass * 0.6, grass * 0.4, 1.5, grain: 0.5, &random), layers: [path])
            ]
            stand(12, [.cone, .capsule], z: -0.5...7, size: 0.9...1.6, [grass * 0.5, grass * 0.8], &random)
        case .beach:
            let blue = Vector3(0.16, 0.42, 0.6) * random.uniform(0.7...1.3)
            let sea = Layer(
                region: .side(
                    direction: (1, random.uniform(-0.3...0.3)), offset: random.uniform(0.5...3), wiggle: 1),
                surface: .random(.plain, blue, blue, 1, grain: 0.25, &random), segment: .water, softness: 0.2,
                seed: random.next())
            let sand = Vector3(0.85, 0.74, 0.52) * random.uniform(0.85...1.1)
            planes = [.ground(.random(.blotches, sand, sand * 0.9, 0.8, grain: 0.25, &random), layers: [sea])]
        case .mountains:
            planes = [.ground(.random(.blotches, grass, grass * 0.8, 0.5, grain: 0.3, &random))]
            let rock = Vector3(0.5, 0.47, 0.45) * random.uniform(0.7...1.2)
            stand(
                3 + random.integer(below: 3), [.pyramid, .cone], z: 9...16, size: 3...5.5,
                [rock, rock * 1.2, Vector3(0.8, 0.82, 0.86)], &random)
        }
    }

    /// A floor, a ceiling, two side walls and a back wall.
    private mutating func enclose(halfWidth: Float, depth: Float, _ random: inout KeyedRandom) {
        let tone = Vector3(
            random.uniform(0.55...0.9), random.uniform(0.55...0.9), random.uniform(0.5...0.85))
        let wood = Vector3(0.6, 0.42, 0.27) * random.uniform(0.7...1.2)
        let floor: Surface =
            random.chance(0.5)
            ? .random(.stripes, wood, wood * 0.75, random.uniform(0.8...1.5), grain: 0.2, &random)
            : .random(.checker, tone * 0.9, tone * 0.5, random.uniform(0.7...1.3), &random)
        let wall = Surface.random(
            random.pick([.plain, .gradient, .stripes, .dots]), tone, tone * 0.85, random.uniform(0.8...1.6),
            level: true,
            &random)
        let pale = Vector3(repeating: random.uniform(0.75...0.95))
        let overhead = Frame(x: Vector3(1, 0, 0), y: -.up, z: Vector3(0, 0, -1))
        planes = [
            .ground(floor),
            .wall(at: Vector3(0, 0, depth), facing: Vector3(0, 0, -1), wall),
            .wall(at: Vector3(-halfWidth, 0, 0), facing: Vector3(1, 0, 0), wall),
            .wall(at: Vector3(halfWidth, 0, 0), facing: Vector3(-1, 0, 0), wall),
            Plane(
                origin: Vector3(0, random.uniform(2.2...3), 0), frame: overhead,
                surface: .random(.plain, pale, pale, 1, &random), segment: .backdrop, takesShadows: false),
        ]
    }

    private mutating func furnish(_ count: Int, _ random: inout KeyedRandom) {
        for _ in 0..<count {
            let colour = random.pick(Tint.allCases).jittered(&random)
            let place = Vector3(random.uniform(-1.6...1.6), 0, random.uniform(0.2...2.4))
            bodies.append(
                .placed(
                    random.pick([.box, .cylinder, .prism]), at: place, size: random.uniform(0.4...0.8),
                    colour,
                    texture: random.pick([.plain, .stripes, .gradient]), &random))
        }
    }

    /// Two rows of bodies that lead away from the camera.
    private mutating func line(
        _ count: Int, _ shapes: [Shape], across: Float, size: ClosedRange<Float>, _ colours: [Vector3],
        texture: Texture = .plain, _ random: inout KeyedRandom
    ) {
        let shape = random.pick(shapes)
        let size = random.uniform(size)
        for row in 0..<count {
            for side in [-across, across] {
                let colour = random.pick(colours) * random.uniform(0.9...1.1)
                var body = Body.placed(
                    shape, at: Vector3(side, 0, Float(row) * size * 1.6), size: size, colour,
                    texture: texture,
                    &random)
                body.frame = .identity
                bodies.append(body)
            }
        }
    }

    /// Bodies at random places, none on the way.
    private mutating func stand(
        _ count: Int, _ shapes: [Shape], z: ClosedRange<Float>, size: ClosedRange<Float>,
        _ colours: [Vector3],
        _ random: inout KeyedRandom
    ) {
        for _ in 0..<count {
            let depth = random.uniform(z)
            let side: Float = random.chance(0.5) ? 1 : -1
            let place = Vector3(side * random.uniform(0.9...(2.5 + 0.5 * max(0, depth))), 0, depth)
            bodies.append(
                .placed(
                    random.pick(shapes), at: place, size: random.uniform(size),
                    random.pick(colours) * random.uniform(0.85...1.15), &random))
        }
    }
}
