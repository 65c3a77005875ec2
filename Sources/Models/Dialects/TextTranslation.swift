public import Layers
public import Tensors

/// How the text tower of a checkpoint becomes ours: a plan over names and shapes, before any tensor is read.
///
/// Its names are OpenAI's and OpenCLIP's, with or without `text.` before them, or those of Hugging Face's `CLIPModel`.
public struct TextTranslation: Sendable {
    /// The shapes of our tensors, by name.
    public let shapes: [String: [Int]]
    /// Names of the other tower's file that belong to no text tower that we know, sorted.
    public let strangers: [String]
    /// The sizes of the tower, as far as shapes show them: heads have 64 numbers.
    public let shape: TextTransformer.Shape
    /// How many of the tower's tensors are there with their shapes, and how many it has.
    public let loaded, total: Int
    /// Our names of tensors that the checkpoint lacks, or has with another shape, in the tower's order.
    public let missing: [String]

    private let recipes: [String: WeightRecipe]

    /// Whether every tensor is there and nothing is left over.
    public var isComplete: Bool { missing.isEmpty && strangers.isEmpty }

    /// `loaded 149/149 tensors, 100 %`.
    public var summary: String {
        let percent = total == 0 ? 0 : loaded * 100 / total
        return "loaded \(loaded)/\(total) tensors, \(percent) %"
    }

    /// Plans the translation of what a visual tower's plan has left over; nil where there is no text tower.
    ///
    /// - Parameters:
    ///   - theirs: the shapes of all tensors of the checkpoint.
    ///   - visual: the plan of its visual tower.
    ///   - heads: the attention heads, which leave no trace in shapes.
    public init?(
        _ theirs: [String: [Int]], beside visual: WeightTranslation, heads: Int? = nil,
        activation: TransformerStyle.Activation
    ) {
        let tower = ["visual.", "vision_model."].first { visual.prefix.hasSuffix($0) }
        guard let tower, [.openCLIP, .huggingFaceCLIP].contains(visual.dialect) else { return nil }
        let wrapper = String(visual.prefix.dropLast(tower.count))
        var recipes: [String: WeightRecipe] = [:]
        var shapes: [String: [Int]] = [:]
        var parts: [String: [Int: String]] = [:]
        var strangers: [String] = []
        for name in visual.otherTower {
            guard name.hasPrefix(wrapper),
                let (ours, role) = Self.rename(String(name.dropFirst(wrapper.count)), visual.dialect)
            else {
                strangers.append(name)
                continue
            }
            switch role {
            case .part(let index, _): parts[ours, default: [:]][index] = name
            case .projection: recipes[ours] = WeightRecipe(sources: [name], operation: .transposed)
            case .ignored: break
            default: recipes[ours] = WeightRecipe(sources: [name])
            }
        }
        for (ours, found) in parts {
            recipes[ours] = WeightRecipe(
                sources: found.sorted { $0.key < $1.key }.map(\.value), operation: .rows)
        }
        for (name, recipe) in recipes {
            shapes[name] = recipe.shape(recipe.sources.compactMap { theirs[$0] })
        }
        guard let tokens = shapes["token_embedding.weight"], tokens.count == 2,
            let positions = shapes["positional_embedding"], positions.count == 2,
            let projection = shapes["text_projection"], projection.count == 2
        else { return nil }
        let depth = shapes.keys.compactMap { name -> Int? in
            let words = name.split(separator: ".")
            return words.count > 3 && words[1] == "resblocks" ? Int(words[2]).map { $0 + 1 } : nil
        }.max()
        var shape = TextTransformer.Shape(
            vocabularySize: tokens[0], width: tokens[1], depth: depth ?? 0, heads: heads,
            embedding: projection[1])
        shape.contextLength = positions[0]
        shape.activation = activation
        guard (try? shape.check()) != nil,
            let outline = try? Parameters.outline({ scope in
                _ = try TextTransformer(scope, shape)
                _ = try scope.parameter("logit_scale", initial: .zeros)
            })
        else { return nil }
        self.shape = shape
        self.recipes = recipes
        self.shapes = shapes
        self.strangers = strangers.sorted()
        missing = outline.named.filter { [shapes] in shapes[$0.name] != $0.tensor.shape }.map(\.name)
        loaded = outline.named.count - missing.count
        total = outline.named.count
    }

    /// Reads our tensors, in fp32.
    public func state(reading read: (String) throws -> Tensor) throws -> [String: Tensor] {
        try Dictionary(
            uniqueKeysWithValues: recipes.map { name, recipe in
                (name, try recipe.tensor(recipe.sources.map { try read($0).to(.float32) }))
            })
    }

    // MARK: Names

    private static func rename(
        _ name: String, _ dialect: Dialect
    ) -> (ours: String, role: Renaming.Role)? {
        if dialect == .openCLIP {
            let bare = name.hasPrefix("text.") ? String(name.dropFirst("text.".count)) : name
            if notNeeded.contains(bare) { return ("", .ignored) }
            return openCLIP.contains(NumberedName(bare).pattern) ? (bare, .whole) : nil
        }
        let numbered = NumberedName(name)
        return huggingFace[numbered.pattern].map { (numbered.filling($0.ours), $0.role) }
    }

    /// What OpenAI's and OpenCLIP's files hold besides weights.
    private static let notNeeded: Set<String> = [
        "attn_mask", "input_resolution", "context_length", "vocab_size",
    ]

    private static let modules = ["ln_1", "ln_2", "attn.out_proj", "mlp.c_fc", "mlp.c_proj"]

    private static let openCLIP: Set<String> = {
        let block = "transformer.resblocks.*"
        var names: Set<String> = [
            "token_embedding.weight", "positional_embedding", "ln_final.weight", "ln_final.bias",
            "text_projection", "logit_scale", "\(block).attn.in_proj_weight", "\(block).attn.in_proj_bias",
        ]
        for module in modules { names.formUnion(["\(block).\(module).weight", "\(block).\(module).bias"]) }
        return names
    }()

    private static let huggingFace: [String: Renaming] = {
        let (theirs, ours) = ("text_model.encoder.layers.*", "transformer.resblocks.*")
        var table = [
            "text_model.embeddings.token_embedding.weight": Renaming(
                ours: "token_embedding.weight", role: .whole),
            "text_model.embeddings.position_embedding.weight": Renaming(
                ours: "positional_embedding", role: .whole),
            "text_model.embeddings.position_ids": Renaming(ours: "", role: .ignored),
            "text_projection.weight": Renaming(
                ours: "text_projection", role: .projection(isTransposed: true)),
            "logit_scale": Renaming(ours: "logit_scale", role: .whole),
        ]
        let names = ["layer_norm1", "layer_norm2", "self_attn.out_proj", "mlp.fc1", "mlp.fc2"]
        for kind in ["weight", "bias"] {
            table["text_model.final_layer_norm.\(kind)"] = Renaming(ours: "ln_final.\(kind)", role: .whole)
            for (name, module) in zip(names, modules) {
                table["\(theirs).\(name).\(kind)"] = Renaming(
                    ours: "\(ours).\(module).\(kind)", role: .whole)
            }
            for (index, part) in ["q_proj", "k_proj", "v_proj"].enumerated() {
                table["\(theirs).self_attn.\(part).\(kind)"] = Renaming(
                    ours: "\(ours).attn.in_proj_\(kind)", role: .part(index, of: 3))
            }
        }
        return table
    }()
}
