/// The classes of the `overhead` domain.
enum LandUse: String, CaseIterable {
    case crops, orchard, forest, scrub, pasture, houses, industry, highway, river, lake
}

extension Scene {
    /// A square of ground seen from straight above; about four units wide.
    static func overhead(_ use: LandUse, class index: Int, _ random: inout KeyedRandom) -> Scene {
        var land = Land(&random)
        land.cover(use, &random)
        return Scene(
            domain: .overhead, classIndex: index, caption: "\(use.rawValue) seen from above",
            camera: .above(halfWidth: random.uniform(1.7...2.2), &random),
            light: .random(height: 0.8...2, &random), sky: Sky(),
            planes: [.ground(land.ground, layers: land.layers)], bodies: land.bodies, film: .random(&random))
    }
}

/// A piece of ground under construction.
private struct Land {
    var ground: Surface
    var layers: [Layer] = []
    var bodies: [Body] = []

    static let soils = [Vector3(0.46, 0.38, 0.24), Vector3(0.55, 0.47, 0.3), Vector3(0.38, 0.42, 0.22)]
    static let greens = [Vector3(0.3, 0.5, 0.2), Vector3(0.4, 0.55, 0.25), Vector3(0.22, 0.42, 0.2)]
    static let asphalt = Vector3(0.38, 0.38, 0.4)

    init(_ random: inout KeyedRandom) {
        let base = random.pick(Self.greens + Self.soils) * random.uniform(0.8...1.2)
        ground = .random(
            .blotches, base, base * random.uniform(0.8...1.1), random.uniform(0.5...1.5), grain: 0.4, &random)
    }

    mutating func cover(_ use: LandUse, _ random: inout KeyedRandom) {
        let green = random.pick(Self.greens) * random.uniform(0.8...1.2)
        let soil = random.pick(Self.soils) * random.uniform(0.8...1.2)
        switch use {
        case .crops:
            ground = .random(.stripes, green, soil, random.uniform(1.4...2.6), grain: 0.3, &random)
            let other = random.chance(0.5) ? green * 1.2 : soil * 1.1
            field(
                .random(random.pick([.stripes, .plain]), other, other * 0.8, 2, grain: 0.3, &random), &random)
        case .orchard:
            ground = .random(.plain, soil, soil, 1, grain: 0.3, &random)
            rows(of: green * 0.7, spacing: random.uniform(0.6...0.85), &random)
        case .forest:
            ground = .random(
                .blotches, green * 0.45, green * 0.7, random.uniform(1.5...3), grain: 0.6, &random)
            scatter(16, [.sphere, .cone], size: 0.25...0.45, [green * 0.55, green * 0.75], &random)
        case .scrub:
            ground = .random(.blotches, soil, green * 0.8, random.uniform(1...2.2), grain: 0.8, &random)
            scatter(random.integer(below: 6), [.dome], size: 0.12...0.22, [green * 0.6], &random)
        case .pasture:
            ground = .random(.gradient, green * 1.15, green, random.uniform(0.3...0.8), grain: 0.25, &random)
            if random.chance(0.5) { road(halfWidth: 0.05, green * 0.5, wiggle: 0.3, &random) }
        case .houses:
            road(halfWidth: random.uniform(0.12...0.2), Self.asphalt, wiggle: 0.2, &random)
            let roofs = [Vector3(0.65, 0.3, 0.22), Vector3(0.5, 0.35, 0.3), Vector3(0.6, 0.6, 0.62)]
            scatter(11, [.box, .prism], size: 0.22...0.36, roofs, &random)
        case .industry:
            ground = .random(.plain, Self.asphalt * 1.2, Self.asphalt, 1, grain: 0.3, &random)
            let roofs = [Vector3(repeating: 0.85), Vector3(0.55, 0.6, 0.68), Vector3(0.6, 0.45, 0.4)]
            scatter(4, [.box], size: 0.7...1.1, roofs, &random)
        case .highway:
            field(.random(.blotches, green, soil, 1, grain: 0.3, &random), &random)
            road(halfWidth: random.uniform(0.22...0.34), Self.asphalt, wiggle: 0, marked: true, &random)
        case .river:
            field(.random(.blotches, green, soil, 1, grain: 0.3, &random), &random)
            water(random.uniform(0.2...0.45), &random)
        case .lake:
            let blue = Vector3(0.12, 0.26, 0.42) * random.uniform(0.7...1.4)
            layers.append(
                Layer(
                    region: .side(
                        direction: random.direction(), offset: random.uniform(-1...0.3), wiggle: 1.2),
                    surface: .random(.plain, blue, blue, 1, grain: 0.15, &random), segment: .water,
                    softness: 0.1, seed: random.next()))
        }
    }

    /// Another field beside the first.
    private mutating func field(_ surface: Surface, _ random: inout KeyedRandom) {
        let region = Layer.Region.side(
            direction: random.direction(), offset: random.uniform(-0.8...0.8), wiggle: 0)
        layers.append(Layer(region: region, surface: surface))
    }

    private mutating func road(
        halfWidth: Float, _ colour: Vector3, wiggle: Float, marked: Bool = false, _ random: inout KeyedRandom
    ) {
        let direction = random.direction()
        let offset = random.uniform(-0.7...0.7)
        let surface = Surface.random(.plain, colour, colour, 1, grain: 0.15, &random)
        layers.append(
            Layer(
                region: .band(direction: direction, offset: offset, halfWidth: halfWidth, wiggle: wiggle),
                surface: surface, segment: .path, seed: random.next()))
        guard marked else { return }
        let line = Surface.random(.plain, Vector3(repeating: 0.9), Vector3(repeating: 0.9), 1, &random)
        layers.append(
            Layer(
                region: .band(direction: direction, offset: offset, halfWidth: 0.035, wiggle: 0),
                surface: line, segment: .path))
    }

    private mutating func water(_ halfWidth: Float, _ random: inout KeyedRandom) {
        let blue = Vector3(0.16, 0.32, 0.45) * random.uniform(0.7...1.4)
        layers.append(
            Layer(
                region: .band(
                    direction: random.direction(), offset: random.uniform(-0.5...0.5), halfWidth: halfWidth,
                    wiggle: random.uniform(1.2...2.2)),
                surface: .random(.plain, blue, blue, 1, grain: 0.15, &random), segment: .water,
                softness: 0.08,
                seed: random.next()))
    }

    /// Bodies at random places.
    private mutating func scatter(
        _ count: Int, _ shapes: [Shape], size: ClosedRange<Float>, _ colours: [Vector3],
        _ random: inout KeyedRandom
    ) {
        for _ in 0..<count {
            bodies.append(
                .placed(
                    random.pick(shapes), at: Vector3(random.uniform(-2...2), 0, random.uniform(-2...2)),
                    size: random.uniform(size), random.pick(colours) * random.uniform(0.85...1.15), &random))
        }
    }

    /// Trees in straight rows.
    private mutating func rows(of colour: Vector3, spacing: Float, _ random: inout KeyedRandom) {
        let direction = random.direction()
        let size = spacing * random.uniform(0.38...0.5)
        for row in -2...2 {
            for column in -2...2 {
                let a = Float(row) * spacing, b = Float(column) * spacing
                let place = Vector3(a * direction.x - b * direction.y, 0, a * direction.y + b * direction.x)
                bodies.append(
                    .placed(.sphere, at: place, size: size, colour * random.uniform(0.85...1.15), &random))
            }
        }
    }
}

extension Camera {
    /// A camera that looks straight down on the origin and sees this much ground to each side.
    static func above(halfWidth: Float, _ random: inout KeyedRandom) -> Camera {
        let north = random.direction()
        let slope: Float = 0.3
        return .looking(
            from: Vector3(0, halfWidth / slope, 0), at: .zero, slope: slope, up: Vector3(north.x, 0, north.y))
    }
}

extension Body {
    /// An upright body of one colour, turned at random, on the ground at `place`.
    static func placed(
        _ shape: Shape, at place: Vector3, size: Float, _ colour: Vector3, texture: Texture = .plain,
        _ random: inout KeyedRandom
    ) -> Body {
        Body(
            shape: shape, position: place + .up * (shape.depthBelowOrigin * size),
            frame: .turned(random.direction()), size: size,
            surface: .random(texture, colour, colour * 0.6, 1.4, grain: 0.2, level: true, &random))
    }
}
