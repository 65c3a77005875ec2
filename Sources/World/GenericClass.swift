/// The taxonomy of the `generic` mixture: what a surrogate foundation model is pretrained on.
///
/// It is broad and uses the same renderer, but none of its classes is a class of a target domain: it leaves
/// out the target pairings of solid and pattern, and asks other questions of ground and places.
enum GenericClass: Sendable {
    /// One object, named by solid and pattern.
    case object(Pairing)
    /// Ground seen from above, named by its pattern.
    case ground(Texture)
    /// A view into the distance, named by what closes it and by how full it is.
    case view(isClosed: Bool, isCrowded: Bool)

    static let all: [GenericClass] =
        Pairing.others.map { .object($0) } + Texture.allCases.map { .ground($0) }
        + [false, true].flatMap { closed in [false, true].map { .view(isClosed: closed, isCrowded: $0) } }

    var name: String {
        switch self {
        case .object(let pairing): pairing.name
        case .ground(let texture): "\(texture.adjective) ground"
        case .view(let isClosed, let isCrowded):
            "\(isCrowded ? "crowded" : "empty") \(isClosed ? "yard" : "plain")"
        }
    }

    /// Three quarters objects, the rest shared by ground and views.
    var frequency: Float {
        switch self {
        case .object: 0.75 / Float(Pairing.others.count)
        case .ground: 0.15 / Float(Texture.allCases.count)
        case .view: 0.1 / 4
        }
    }

    func scene(class index: Int, _ random: inout KeyedRandom) -> Scene {
        switch self {
        case .object(let pairing): .object(pairing, class: index, in: .generic, &random)
        case .ground(let texture): .genericGround(texture, class: index, name: name, &random)
        case .view(let isClosed, let isCrowded):
            .genericView(isClosed: isClosed, isCrowded: isCrowded, class: index, name: name, &random)
        }
    }
}

extension Scene {
    fileprivate static func genericGround(
        _ texture: Texture, class index: Int, name: String, _ random: inout KeyedRandom
    ) -> Scene {
        var layers: [Layer] = []
        for _ in 0..<random.integer(below: 3) { layers.append(.random(&random)) }
        var bodies: [Body] = []
        for _ in 0..<random.integer(below: 5) {
            bodies.append(.stray(across: 2, along: -2...2, size: 0.2...0.5, &random))
        }
        return Scene(
            domain: .generic, classIndex: index, texture: texture,
            caption: Caption.article(name) + " seen from above",
            camera: .above(halfWidth: random.uniform(1.5...2.5), &random),
            light: .random(height: 0.6...2, &random), sky: Sky(),
            planes: [.ground(.tinted(texture, frequency: 0.7...2.2, &random), layers: layers)],
            bodies: bodies,
            film: .random(&random))
    }

    fileprivate static func genericView(
        isClosed: Bool, isCrowded: Bool, class index: Int, name: String, _ random: inout KeyedRandom
    ) -> Scene {
        var planes = [Plane.ground(.tinted(random.pick(Texture.allCases), frequency: 0.5...1.5, &random))]
        if random.chance(0.5) { planes[0].layers.append(.random(&random)) }
        if isClosed {
            let surface = Surface.tinted(random.pick(Texture.allCases), frequency: 0.4...1.4, &random)
            planes.append(
                .wall(at: Vector3(0, 0, random.uniform(3...7)), facing: Vector3(0, 0, -1), surface))
        }
        let count = isCrowded ? 6 + random.integer(below: 5) : random.integer(below: 2)
        let bodies = (0..<count).map { _ in
            Body.stray(across: 3, along: -0.5...6, size: 0.4...1.3, &random)
        }
        return Scene(
            domain: .generic, classIndex: index, caption: Caption.article(name),
            camera: .looking(
                from: Vector3(random.uniform(-0.5...0.5), random.uniform(0.8...2.2), -3.5),
                at: Vector3(random.uniform(-1...1), random.uniform(0.3...1.4), 2),
                slope: random.uniform(0.45...0.7),
                roll: random.uniform(-0.2...0.2)),
            light: .random(height: 0.4...2, &random),
            sky: random.chance(0.5) ? .clear(&random) : .overcast(&random),
            planes: planes, bodies: bodies, film: .random(&random))
    }
}

extension Surface {
    /// A pattern in two random colours.
    fileprivate static func tinted(
        _ texture: Texture, frequency: ClosedRange<Float>, _ random: inout KeyedRandom
    ) -> Surface {
        let primary = random.pick(Tint.allCases).jittered(&random)
        let other = random.chance(0.5) ? random.pick(Tint.allCases).jittered(&random) : primary * 0.5
        return .random(
            texture, primary, mix(primary, other, random.uniform(0.5...1)), random.uniform(frequency),
            grain: random.uniform(0...0.4), &random)
    }
}

extension Layer {
    /// A strip, a disc or a half of the ground in a random surface.
    fileprivate static func random(_ random: inout KeyedRandom) -> Layer {
        let wiggle = random.chance(0.5) ? random.uniform(0.3...1.8) : 0
        let offset = random.uniform(-1.2...1.2)
        let region: Region =
            switch random.integer(below: 3) {
            case 0:
                .band(
                    direction: random.direction(), offset: offset, halfWidth: random.uniform(0.1...0.5),
                    wiggle: wiggle)
            case 1:
                .disc(
                    u: offset, v: random.uniform(-1.2...1.2), radius: random.uniform(0.4...1.2),
                    raggedness: random.uniform(0...0.7))
            default: .side(direction: random.direction(), offset: offset, wiggle: wiggle)
            }
        return Layer(
            region: region, surface: .tinted(random.pick(Texture.allCases), frequency: 0.7...2.2, &random),
            softness: random.uniform(0.02...0.15), seed: random.next())
    }
}

extension Body {
    /// Any solid of any colour, somewhere on the ground.
    fileprivate static func stray(
        across: Float, along: ClosedRange<Float>, size: ClosedRange<Float>, _ random: inout KeyedRandom
    ) -> Body {
        .placed(
            random.pick(Shape.allCases),
            at: Vector3(random.uniform(-across...across), 0, random.uniform(along)),
            size: random.uniform(size),
            random.pick(Tint.allCases).jittered(&random), texture: random.pick(Texture.allCases), &random)
    }
}
