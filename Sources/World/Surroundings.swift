/// What surrounds an object: the planes and the sky of one background, with random colours.
struct Surroundings {
    var planes: [Plane]
    var sky = Sky()

    init(_ background: Background, wallBehind direction: Vector3, _ random: inout KeyedRandom) {
        let shade = random.uniform(0.35...0.85)
        let tone = Vector3(
            shade + random.uniform(-0.12...0.12), shade + random.uniform(-0.12...0.12),
            shade + random.uniform(-0.12...0.12))
        let wallAt = direction * -random.uniform(2...4)
        func wall(_ surface: Surface) -> Plane { .wall(at: wallAt, facing: direction, surface) }
        switch background {
        case .studio:
            planes = [
                .ground(.random(.plain, tone, tone, 1, &random)),
                wall(.random(.gradient, tone * 1.1, tone * 0.6, random.uniform(0.15...0.3), &random)),
            ]
        case .tiles:
            planes = [
                .ground(.random(.checker, tone, tone * 0.55, random.uniform(0.8...1.6), &random)),
                wall(.random(.plain, tone * 1.05, tone, 1, &random)),
            ]
        case .planks:
            let wood = Vector3(0.62, 0.43, 0.26) * random.uniform(0.7...1.2)
            planes = [
                .ground(
                    .random(.stripes, wood, wood * 0.78, random.uniform(0.6...1.3), grain: 0.35, &random)),
                wall(.random(.gradient, tone, tone * 0.8, 0.2, &random)),
            ]
        case .brickwork:
            let brick = Vector3(0.62, 0.3, 0.22) * random.uniform(0.75...1.2)
            planes = [
                .ground(.random(.plain, tone * 0.8, tone, 1, grain: 0.2, &random)),
                wall(
                    .random(
                        .bricks, brick, Vector3(repeating: 0.7), random.uniform(0.9...1.6), level: true,
                        &random)),
            ]
        case .meadow:
            let grass = Vector3(0.3, 0.55, 0.18) * random.uniform(0.75...1.2)
            planes = [
                .ground(.random(.blotches, grass, grass * 0.7, random.uniform(0.8...2), grain: 0.5, &random))
            ]
            sky = .clear(&random)
        case .desert:
            let sand = Vector3(0.8, 0.66, 0.42) * random.uniform(0.8...1.15)
            planes = [
                .ground(.random(.gradient, sand, sand * 0.82, random.uniform(0.4...1), grain: 0.2, &random))
            ]
            sky = .clear(&random)
        case .pavement:
            let grey = Vector3(repeating: random.uniform(0.4...0.65))
            planes = [
                .ground(.random(.grid, grey, grey * 0.7, random.uniform(0.7...1.4), grain: 0.2, &random))
            ]
            sky = .overcast(&random)
        case .snow:
            planes = [
                .ground(.random(.blotches, Vector3(0.9, 0.92, 0.96), Vector3(0.8, 0.85, 0.93), 0.7, &random))
            ]
            sky = random.chance(0.5) ? .clear(&random) : .overcast(&random)
        }
    }
}

extension Surface {
    /// A pattern with a random turn, start and noise; `level` keeps it upright.
    static func random(
        _ texture: Texture, _ primary: Vector3, _ secondary: Vector3, _ frequency: Float, grain: Float = 0,
        level: Bool = false, _ random: inout KeyedRandom
    ) -> Surface {
        Surface(
            texture: texture, primary: primary, secondary: secondary, frequency: frequency,
            turn: level ? (1, 0) : random.direction(),
            phase: (random.uniform(0...8), random.uniform(0...8)), grain: grain, seed: random.next())
    }
}

extension Sky {
    /// A blue sky with some clouds.
    static func clear(_ random: inout KeyedRandom) -> Sky {
        Sky(
            horizon: Vector3(0.78, 0.85, 0.92) * random.uniform(0.85...1.05),
            zenith: Vector3(0.3, 0.5, 0.85) * random.uniform(0.8...1.15), clouds: random.uniform(0...1),
            seed: random.next())
    }

    /// A grey sky.
    static func overcast(_ random: inout KeyedRandom) -> Sky {
        let grey = random.uniform(0.55...0.9)
        return Sky(
            horizon: Vector3(repeating: grey), zenith: Vector3(grey * 0.85, grey * 0.88, grey * 0.92),
            clouds: random.uniform(0...0.5), seed: random.next())
    }
}

extension Light {
    /// A light from above at a random bearing, warm or cool, with more or less ambience.
    static func random(height: ClosedRange<Float>, _ random: inout KeyedRandom) -> Light {
        let bearing = random.direction()
        let warmth = random.uniform(-0.12...0.12)
        let strength = random.uniform(0.6...0.95)
        let ambient = random.uniform(0.35...0.55)
        return Light(
            direction: Vector3(bearing.x, random.uniform(height), bearing.y).normalized,
            colour: Vector3(1 + warmth, 1, 1 - warmth) * strength,
            ambient: Vector3(1 - warmth * 0.5, 1, 1 + warmth * 0.5) * ambient)
    }
}

extension Film {
    /// A sensor with random exposure and noise.
    static func random(noise: ClosedRange<Float> = 0.01...0.05, _ random: inout KeyedRandom) -> Film {
        Film(exposure: random.uniform(0.8...1.15), noise: random.uniform(noise), seed: random.next())
    }
}
