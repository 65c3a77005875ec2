/// The classes of the `blobs` domain.
enum BlobKind: String, CaseIterable {
    case even, ragged, spotted, ringed, scaly, haloed, twin

    /// The share of the class where classes occur as they do in nature.
    var frequency: Float {
        switch self {
        case .even: 0.60
        case .ragged: 0.12
        case .spotted: 0.11
        case .ringed: 0.06
        case .scaly: 0.055
        case .haloed: 0.035
        case .twin: 0.02
        }
    }
}

extension Scene {
    /// A spot on a mottled surface, seen from straight above.
    static func blob(_ kind: BlobKind, class index: Int, _ random: inout KeyedRandom) -> Scene {
        let skin = Vector3(0.86, 0.66, 0.56) * random.uniform(0.75...1.1)
        let ground = Surface.random(
            .blotches, skin, skin * random.uniform(0.88...0.97), random.uniform(0.6...2), grain: 0.2, &random)
        var layers = spots(kind, on: skin, &random)
        for _ in 0..<random.integer(below: 4) { layers.append(.hair(&random)) }
        return Scene(
            domain: .blobs, classIndex: index,
            caption: "\(Caption.article(kind.rawValue)) spot on mottled skin",
            camera: .above(halfWidth: random.uniform(1.6...2.2), &random),
            light: .random(height: 1...2, &random), sky: Sky(), planes: [.ground(ground, layers: layers)],
            film: .random(&random))
    }

    private static func spots(_ kind: BlobKind, on skin: Vector3, _ random: inout KeyedRandom) -> [Layer] {
        let brown = Vector3(0.45, 0.28, 0.18) * random.uniform(0.7...1.35)
        let dark = brown * random.uniform(0.4...0.6)
        let centre = (u: random.uniform(-0.5...0.5), v: random.uniform(-0.5...0.5))
        let radius = random.uniform(0.55...1.05)
        func spot(
            _ surface: Surface, radius: Float, ragged: Float, offset: Float = 0, _ random: inout KeyedRandom
        ) -> Layer {
            Layer(
                region: .disc(
                    u: centre.u + offset, v: centre.v, radius: radius, raggedness: ragged),
                surface: surface, segment: .rounded, softness: random.uniform(0.05...0.15),
                seed: random.next())
        }
        func surface(_ texture: Texture, _ a: Vector3, _ b: Vector3, _ f: Float, _ random: inout KeyedRandom)
            -> Surface
        {
            .random(texture, a, b, f, grain: 0.25, &random)
        }
        let smooth = random.uniform(0.1...0.25)
        switch kind {
        case .even:
            return [spot(surface(.plain, brown, brown, 1, &random), radius: radius, ragged: smooth, &random)]
        case .ragged:
            let mottled = surface(.blotches, brown, dark, random.uniform(1.5...2.5), &random)
            return [spot(mottled, radius: radius, ragged: random.uniform(0.55...0.8), &random)]
        case .spotted:
            let dotted = surface(.dots, mix(brown, skin, 0.4), dark, random.uniform(2...3), &random)
            return [spot(dotted, radius: radius, ragged: smooth, &random)]
        case .ringed:
            let ringed = surface(.rings, brown, mix(brown, skin, 0.6), random.uniform(1.8...2.8), &random)
            return [spot(ringed, radius: radius, ragged: smooth, &random)]
        case .scaly:
            let scaly = surface(
                .bricks, mix(brown, skin, 0.5), Vector3(0.9, 0.85, 0.8), random.uniform(1.6...2.6), &random)
            return [spot(scaly, radius: radius, ragged: smooth, &random)]
        case .haloed:
            let halo = surface(.plain, mix(skin, Vector3(0.8, 0.3, 0.3), 0.5), skin, 1, &random)
            return [
                spot(halo, radius: radius * 1.5, ragged: smooth, &random),
                spot(
                    surface(.plain, brown, brown, 1, &random), radius: radius * 0.7, ragged: smooth, &random),
            ]
        case .twin:
            let plain = surface(.plain, brown, brown, 1, &random)
            return [
                spot(plain, radius: radius * 0.65, ragged: smooth, offset: radius * 0.8, &random),
                spot(plain, radius: radius * 0.65, ragged: smooth, offset: -radius * 0.8, &random),
            ]
        }
    }
}

extension Layer {
    /// A thin dark line across the picture.
    fileprivate static func hair(_ random: inout KeyedRandom) -> Layer {
        let dark = Vector3(0.2, 0.14, 0.1)
        return Layer(
            region: .band(
                direction: random.direction(), offset: random.uniform(-1.5...1.5), halfWidth: 0.025,
                wiggle: random.uniform(0.2...1)),
            surface: .random(.plain, dark, dark, 1, &random), softness: 0.05, seed: random.next())
    }
}
