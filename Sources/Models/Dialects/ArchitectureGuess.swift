/// An architecture that a checkpoint may be of.
public struct ArchitectureGuess: Sendable {
    /// The architecture, with as many classes as the checkpoint's head has.
    public var configuration: ModelConfiguration
    /// How the checkpoint's tensors become the architecture's.
    public let translation: WeightTranslation
    /// What the checkpoint gives to it.
    public let coverage: WeightCoverage

    /// Holds tensors of these shapes against an architecture; its number of classes is taken from the head.
    public init(_ shapes: [String: [Int]], as given: ModelConfiguration) throws {
        configuration = given
        try ModelRegistry.check(given)
        let projects = (given.options["projection"] ?? 0) != 0
        translation = WeightTranslation(shapes, projectsFeatures: projects)
        let names = try ModelRegistry.classifierNames(of: given)
        let last = names.lazy.compactMap { [translation] in translation.shapes[$0] }.first
        configuration.classCount = last?.first ?? 0
        coverage = try WeightCoverage(of: translation, for: configuration)
    }

    /// Every architecture that the dialect can name, the best covered first.
    ///
    /// Several can be covered completely: a nonlinearity and the normalisation of images leave no trace in shapes.
    public static func all(for shapes: [String: [Int]]) throws -> [ArchitectureGuess] {
        let dialect = WeightTranslation(shapes).dialect
        let naming: ModelPreset.Naming = dialect == .openCLIP ? .openCLIP : .timm
        let guesses = try ModelRegistry.presets.filter { $0.naming == naming }.map { preset in
            try ArchitectureGuess(shapes, as: ModelRegistry.defaults(for: preset.name, classCount: 0))
        }
        return guesses.enumerated().sorted { a, b in
            let (left, right) = (a.element.coverage, b.element.coverage)
            if left.isComplete != right.isComplete { return left.isComplete }
            if left.isComplete { return a.offset < b.offset }
            return (left.coverage, left.loaded, -left.unexpected.count, b.offset)
                > (right.coverage, right.loaded, -right.unexpected.count, a.offset)
        }.map(\.element)
    }

    /// What can be seen of a vision transformer in a checkpoint: sizes, and the parts that not all have.
    ///
    /// Nil for anything else. The number of heads leaves no trace in shapes.
    public static func transformerFacts(of translation: WeightTranslation) -> String? {
        let shapes = translation.shapes
        guard let kernel = shapes["patch_embed.proj.weight"], kernel.count == 4 else { return nil }
        let depth =
            shapes.keys.compactMap { name -> Int? in
                let parts = name.split(separator: ".")
                return parts.first == "blocks" && parts.count > 1 ? Int(parts[1]).map { $0 + 1 } : nil
            }.max() ?? 0
        var facts = ["width \(kernel[0])", "depth \(depth)", "patches of \(kernel[2]) pixels"]
        if let registers = shapes["reg_token"], registers.count == 3 {
            facts.append("\(registers[1]) registers")
        }
        if shapes["blocks.0.ls1.gamma"] != nil { facts.append("layer scale") }
        if shapes["norm_pre.weight"] != nil { facts.append("a norm before the blocks") }
        if let wide = shapes["blocks.0.mlp.fc1.weight"]?.first,
            let narrow = shapes["blocks.0.mlp.fc2.weight"]?.last
        {
            facts.append(wide == 2 * narrow ? "gated units of \(narrow)" : "hidden layers of \(wide)")
        }
        return facts.joined(separator: ", ")
    }
}
