public import Tensors

/// How a checkpoint's tensors become ours: a plan over names and shapes, before any of them is read.
public struct WeightTranslation: Sendable {
    /// How the checkpoint calls its tensors.
    public let dialect: Dialect
    /// What stands before their names, such as `module.` or `visual.`; empty where nothing does.
    public let prefix: String
    /// The shapes of our tensors, by name.
    public private(set) var shapes: [String: [Int]] = [:]
    /// Names that belong to another part of the checkpoint, such as the text tower of a CLIP, sorted.
    public let otherTower: [String]
    /// Names that are known and not needed, sorted.
    public let ignored: [String]
    /// Names below the prefix that have no place in the dialect, sorted.
    public private(set) var strangers: [String]

    private var recipes: [String: WeightRecipe] = [:]
    /// Names that must be zero, for the model has no place for them.
    private var zeros: [String] = []

    /// Plans the translation of tensors with these shapes.
    ///
    /// - Parameter projectsFeatures: whether the model's features are projected ones; otherwise a projection becomes
    ///   the head, with a bias of zeros as in timm.
    public init(_ theirs: [String: [Int]], projectsFeatures: Bool = false) {
        let names = theirs.keys.sorted()
        let form = DialectForm.detect(names)
        dialect = form.dialect
        prefix = form.prefix
        var draft = Draft()
        switch dialect {
        case .timm, .retort, .unknown: draft.copy(names, prefix: prefix)
        default: draft.rename(names, form)
        }
        draft.splitPositions()
        draft.splitGates()
        draft.placeProjection(theirs, projectsFeatures: projectsFeatures)
        draft.completeCounters()
        otherTower = draft.otherTower
        ignored = draft.ignored
        strangers = draft.strangers
        zeros = draft.zeros
        for (name, recipe) in draft.recipes {
            guard let shape = recipe.shape(recipe.sources.compactMap { theirs[$0] }) else {
                strangers += recipe.sources
                continue
            }
            recipes[name] = recipe
            shapes[name] = shape
        }
        strangers.sort()
    }

    /// The checkpoint's names behind a tensor of ours.
    public func sources(of name: String) -> [String] { recipes[name]?.sources ?? [] }

    /// The names under which a tensor of ours would stand in the checkpoint.
    public func expectedNames(of name: String) -> [String] {
        let names = dialect.names(of: name)
        return (names.isEmpty ? [name] : names).map { prefix + $0 }
    }

    /// Reads our tensors; floating-point ones come as fp32.
    public func state(reading read: (String) throws -> Tensor) throws -> [String: Tensor] {
        for name in zeros where try read(name).abs().max().item() != 0 {
            throw WeightTranslationError.lostValues(name)
        }
        return try Dictionary(
            uniqueKeysWithValues: recipes.map { name, recipe in
                let tensors = try recipe.sources.map { source in
                    let tensor = try read(source)
                    return tensor.dtype.isFloatingPoint ? try tensor.to(.float32) : tensor
                }
                return (name, try recipe.tensor(tensors))
            })
    }
}

/// A checkpoint that cannot be expressed in the names of its architecture.
public enum WeightTranslationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The model has no place for these values, which are not zero.
    case lostValues(String)

    /// What is wrong, in a sentence.
    public var description: String {
        switch self {
        case .lostValues(let name): "the model has no place for '\(name)', which is not zero"
        }
    }
}

// MARK: - Recipes

/// How one tensor of ours is made from those of a checkpoint.
struct WeightRecipe: Sendable {
    enum Operation: Sendable {
        /// The only source as it is.
        case copy
        /// The sources below each other.
        case rows
        /// The only source with rows and columns exchanged.
        case transposed
        /// The only source with leading dimensions of one, up to rank 3.
        case batched
        /// The class token and the first row of the position table, added.
        case positioned
        /// The position table without its first row.
        case withoutFirstRow
        /// As many zeros as the only source has of this dimension.
        case zeros(dim: Int)
        /// The number zero, of a counter.
        case counter
    }

    var sources: [String]
    var operation = Operation.copy

    /// The shape of the result; nil where the sources do not fit.
    func shape(_ shapes: [[Int]]) -> [Int]? {
        guard shapes.count == sources.count else { return nil }
        if case .counter = operation { return [] }
        guard let first = shapes.first else { return nil }
        switch operation {
        case .copy: return first
        case .rows:
            guard !first.isEmpty, shapes.allSatisfy({ $0.dropFirst() == first.dropFirst() }) else {
                return nil
            }
            return [shapes.reduce(0) { $0 + $1[0] }] + first.dropFirst()
        case .transposed: return first.count == 2 ? first.reversed() : nil
        case .batched: return [Int](repeating: 1, count: max(0, 3 - first.count)) + first
        case .positioned: return shapes[1].count == 3 && first == [1, 1, shapes[1][2]] ? first : nil
        case .withoutFirstRow:
            return first.count == 3 && first[1] > 1 ? [first[0], first[1] - 1, first[2]] : nil
        case .zeros(let dim): return dim < first.count ? [first[dim]] : nil
        case .counter: return []
        }
    }

    /// The result.
    func tensor(_ tensors: [Tensor]) throws -> Tensor {
        if case .counter = operation { return try .zeros([], dtype: .int64) }
        let first = tensors[0]
        switch operation {
        case .copy: return first
        case .rows: return try Tensor.cat(tensors, dim: 0)
        case .transposed: return try first.transpose(0, 1).contiguous()
        case .batched: return try first.reshape(shape([first.shape]) ?? first.shape)
        case .positioned: return try first + tensors[1].slice(dim: 1, from: 0, to: 1)
        case .withoutFirstRow: return try first.slice(dim: 1, from: 1).contiguous()
        case .zeros(let dim): return try .zeros([first.shape[dim]])
        case .counter: return first
        }
    }
}

// MARK: - Making the plan

/// A translation while it is made.
private struct Draft {
    var recipes: [String: WeightRecipe] = [:]
    var otherTower: [String] = []
    var ignored: [String] = []
    var strangers: [String] = []
    var zeros: [String] = []
    /// The recipe of the projection, if there is one.
    var projection: WeightRecipe?

    /// Takes names as they are, without their prefix.
    mutating func copy(_ names: [String], prefix: String) {
        for name in names {
            if name.hasPrefix(prefix) {
                recipes[String(name.dropFirst(prefix.count))] = WeightRecipe(sources: [name])
            } else {
                otherTower.append(name)
            }
        }
    }

    /// Renames by the dialect's table; parts, as those of `qkv`, are joined when all are there.
    mutating func rename(_ names: [String], _ form: DialectForm) {
        var parts: [String: [Int: String]] = [:]
        var counts: [String: Int] = [:]
        for name in names {
            guard name.hasPrefix(form.wrapper),
                let (ours, role) = form.dialect.rename(
                    String(name.dropFirst(form.wrapper.count)), tower: form.tower)
            else {
                if name.hasPrefix(form.prefix) { strangers.append(name) } else { otherTower.append(name) }
                continue
            }
            switch role {
            case .whole: recipes[ours] = WeightRecipe(sources: [name])
            case .part(let index, let count):
                parts[ours, default: [:]][index] = name
                counts[ours] = count
            case .unbatched: recipes[ours] = WeightRecipe(sources: [name], operation: .batched)
            case .projection(let isTransposed):
                projection = WeightRecipe(sources: [name], operation: isTransposed ? .transposed : .copy)
            case .ignored: ignored.append(name)
            }
        }
        for (ours, found) in parts {
            if found.count == counts[ours] {
                let sources = found.sorted { $0.key < $1.key }.map(\.value)
                recipes[ours] = WeightRecipe(sources: sources, operation: .rows)
            } else {
                strangers += found.values
            }
        }
    }

    /// With registers, timm gives positions to patches alone and adds the class token's own to the token.
    mutating func splitPositions() {
        guard let registers = recipes["reg_token"]?.sources.first, !registers.hasSuffix("reg_token"),
            let token = recipes["cls_token"], let table = recipes["pos_embed"]
        else { return }
        recipes["cls_token"] = WeightRecipe(sources: token.sources + table.sources, operation: .positioned)
        recipes["pos_embed"] = WeightRecipe(sources: table.sources, operation: .withoutFirstRow)
    }

    /// timm calls the first matrix of a gated unit another name than that of a plain one.
    mutating func splitGates() {
        for name in recipes.keys {
            let other = name.replacing(".mlp.fc1.", with: ".mlp.fc1_g.")
            guard other != name, recipes[other] != nil else { continue }
            recipes[name.replacing(".mlp.fc1.", with: ".mlp.fc1_x.")] = recipes.removeValue(forKey: name)
        }
    }

    /// Makes a projection part of the features or the head, whatever the checkpoint took it for.
    mutating func placeProjection(_ theirs: [String: [Int]], projectsFeatures: Bool) {
        if let projection {
            if projectsFeatures {
                recipes["proj.weight"] = projection
            } else {
                recipes["head.weight"] = projection
                var dim = 0
                if case .transposed = projection.operation { dim = 1 }
                recipes["head.bias"] = WeightRecipe(
                    sources: projection.sources, operation: .zeros(dim: dim))
            }
        } else if projectsFeatures, recipes["proj.weight"] == nil, let head = recipes["head.weight"] {
            recipes["proj.weight"] = head
            recipes["head.weight"] = nil
            // timm's tower has a bias here, of zeros.
            zeros = recipes.removeValue(forKey: "head.bias")?.sources ?? []
        }
    }

    /// Old checkpoints do not count the batches that a batch normalisation has seen.
    mutating func completeCounters() {
        for name in recipes.keys where name.hasSuffix(".running_mean") {
            let counter = name.dropLast("running_mean".count) + "num_batches_tracked"
            if recipes[String(counter)] == nil {
                recipes[String(counter)] = WeightRecipe(sources: [], operation: .counter)
            }
        }
    }
}
