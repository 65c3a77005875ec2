extension Scene {
    /// What an object domain allows; the target domain is one corner of what the generic mixture shows.
    struct ObjectStyle {
        var backgrounds: [Background]
        /// The camera's height above the ground, per unit of distance.
        var elevation: ClosedRange<Float>
        /// The subject's radius as a share of half the picture.
        var extent: ClosedRange<Float>
        /// How far the subject may lean.
        var lean: Float
        /// How far the camera may be turned about its axis.
        var roll: Float
        /// The greatest number of other objects.
        var clutter: Int

        static let target = ObjectStyle(
            backgrounds: [.studio, .planks, .pavement, .desert], elevation: 0.25...0.7, extent: 0.6...0.85,
            lean: 0.3, roll: 0.1, clutter: 2)
        static let generic = ObjectStyle(
            backgrounds: Background.allCases, elevation: 0.08...1.2, extent: 0.4...0.8, lean: 0.9, roll: 0.3,
            clutter: 2)
    }

    /// A scene about one object.
    static func object(
        _ pairing: Pairing, class index: Int, in domain: Domain, _ random: inout KeyedRandom
    ) -> Scene {
        let style = domain == .generic ? ObjectStyle.generic : .target
        let background = random.pick(style.backgrounds)
        let bearing = random.direction()
        let towardsCamera = Vector3(bearing.x, 0, bearing.y)
        let subject = Body.standing(pairing, at: .zero, size: 1, lean: style.lean, &random)
        let slope = random.uniform(0.3...0.45)
        let distance = 1 / (random.uniform(style.extent) * slope)
        let position =
            subject.body.position
            + Vector3(bearing.x, random.uniform(style.elevation), bearing.y).normalized * distance
        let aim = Vector3(
            random.uniform(-0.25...0.25), random.uniform(-0.2...0.2), random.uniform(-0.25...0.25))
        let surroundings = Surroundings(background, wallBehind: towardsCamera, &random)
        var scene = Scene(
            domain: domain, classIndex: index, shape: pairing.shape, texture: pairing.texture,
            colour: subject.tint, background: background, caption: "",
            camera: .looking(
                from: Vector3(position.x, max(position.y, 0.4), position.z), at: subject.body.position + aim,
                slope: slope, roll: random.uniform(-style.roll...style.roll)),
            light: .random(height: 0.4...1.6, &random), sky: surroundings.sky, planes: surroundings.planes,
            bodies: [subject.body], film: .random(&random))
        let others = scene.addClutter(random.integer(below: style.clutter + 1), facing: bearing, &random)
        scene.caption = Caption.object(pairing, subject.tint, background, others: others)
        return scene
    }

    /// Adds other objects beside and behind the subject, one perhaps in front, and returns how many.
    private mutating func addClutter(
        _ count: Int, facing bearing: (x: Float, y: Float), _ random: inout KeyedRandom
    ) -> Int {
        for _ in 0..<count {
            let pairing = Pairing(shape: random.pick(Shape.allCases), texture: random.pick(Texture.allCases))
            let isInFront = random.chance(0.25)
            let size = isInFront ? random.uniform(0.25...0.4) : random.uniform(0.4...0.8)
            // Along the view and across it, in the ground's plane.
            let along = isInFront ? random.uniform(1...1.4) : random.uniform(-2.2 ... -0.4)
            let side: Float = random.chance(0.5) ? 1 : -1
            let across = side * (isInFront ? random.uniform(0.3...1) : random.uniform(0.9...2))
            let place = Vector3(
                bearing.x * along - bearing.y * across, 0, bearing.y * along + bearing.x * across)
            bodies.append(Body.standing(pairing, at: place, size: size, lean: 0.3, &random).body)
        }
        return count
    }
}

extension Body {
    /// A body of a random colour that stands on the ground at `place`, leaning by up to `lean`.
    static func standing(
        _ pairing: Pairing, at place: Vector3, size: Float, lean: Float, _ random: inout KeyedRandom
    ) -> (body: Body, tint: Tint) {
        let tint = random.pick(Tint.allCases)
        let primary = tint.jittered(&random)
        var secondary = tint.jittered(&random) * random.uniform(0.1...0.3)
        if random.chance(0.5) {
            // A pale second colour instead of a dark one.
            secondary = mix(primary, Vector3(repeating: 0.95), random.uniform(0.7...0.95))
        }
        if tint == .white { secondary = Vector3(repeating: random.uniform(0.1...0.35)) }
        let tilt = lean * random.uniform()
        let toward = random.direction()
        let frame = Frame.tilted(
            axis: Vector3(toward.x * tilt, 1, toward.y * tilt), random.direction())
        // A leaning body reaches a little lower: let it stand between its upright height and its ball's.
        let height = mix(pairing.shape.depthBelowOrigin, 0.9, tilt * 0.5)
        let surface = Surface.random(
            pairing.texture, primary, secondary, random.uniform(1.2...1.6), level: pairing.texture == .bricks,
            &random)
        let body = Body(
            shape: pairing.shape, position: place + .up * (height * size), frame: frame, size: size,
            surface: surface, gloss: random.chance(0.4) ? random.uniform(0.2...0.6) : 0)
        return (body, tint)
    }
}
