public import Diagnostics
public import Layers
import Tensors

/// What a checkpoint gives to an architecture, and what it does not.
public struct WeightCoverage: Hashable, Sendable {
    /// How the checkpoint calls its tensors.
    public let dialect: Dialect
    /// The architecture that the checkpoint was held against.
    public let architecture: String
    /// The tensors of the architecture that the checkpoint has, and all of them.
    public let loaded, total: Int
    /// The share of the architecture's numbers that the checkpoint has, from 0 to 1.
    public let coverage: Double
    /// Our names of tensors that the checkpoint lacks, in the model's order.
    public let missing: [String]
    /// The checkpoint's names of tensors that the architecture has no place for, sorted.
    public let unexpected: [String]
    /// Tensors of another shape, in the model's order.
    public let reshaped: [CheckpointMismatch.Reshape]
    /// The checkpoint's names of tensors of another part of it, such as a text tower, sorted.
    public let otherTower: [String]
    /// The checkpoint's names of tensors that features do not need, sorted.
    public let ignored: [String]

    /// What each missing tensor would be called in the checkpoint.
    private let expected: [String: [String]]

    /// Whether every tensor of the architecture is there and nothing is left over.
    public var isComplete: Bool { missing.isEmpty && unexpected.isEmpty && reshaped.isEmpty }

    /// Holds a checkpoint against an architecture; no tensor is read.
    public init(of translation: WeightTranslation, for configuration: ModelConfiguration) throws {
        let outline = try ModelRegistry.outline(configuration)
        let preset = try ModelRegistry.preset(configuration.architecture)
        var (missing, reshaped): ([String], [CheckpointMismatch.Reshape]) = ([], [])
        var (loaded, loadedNumbers, numbers) = (0, 0, 0)
        for entry in outline.named {
            let weight = entry.kind == .parameter ? entry.tensor.count : 0
            numbers += weight
            guard let found = translation.shapes[entry.name] else {
                missing.append(entry.name)
                continue
            }
            guard found == entry.tensor.shape || preset.adapts(entry.name, found, configuration) else {
                reshaped.append(
                    .init(name: entry.name, found: found, expected: entry.tensor.shape))
                continue
            }
            loaded += 1
            loadedNumbers += weight
        }
        let leftOver = translation.shapes.keys.filter { outline[$0] == nil }
            .flatMap { translation.sources(of: $0) }
        dialect = translation.dialect
        architecture = configuration.architecture
        self.loaded = loaded
        total = outline.named.count
        coverage = Double(loadedNumbers) / Double(max(1, numbers))
        self.missing = missing
        self.reshaped = reshaped
        unexpected = Set(leftOver + translation.strangers).sorted()
        otherTower = translation.otherTower
        ignored = translation.ignored
        expected = Dictionary(
            uniqueKeysWithValues: missing.map { ($0, translation.expectedNames(of: $0)) })
    }

    // MARK: In words

    /// `loaded 343/343 tensors, 100 % of parameters`.
    public var summary: String { "loaded \(loaded)/\(total) tensors, \(percentage) of parameters" }

    /// Whole per cents, but never 100 where anything is missing and never 0 where anything is there.
    private var percentage: String {
        if loaded == total { return "100 %" }
        let tenths = min(999, max(loaded > 0 ? 1 : 0, Int(coverage * 1000)))
        return tenths.isMultiple(of: 10) ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }

    /// What is wrong, with the nearest names; nil for a complete checkpoint.
    ///
    /// - Parameter others: architectures that the checkpoint does fit.
    public func problem(in file: String, others: [String] = []) -> Diagnostic? {
        guard !isComplete else { return nil }
        var lines = ["\(file) does not fit \(architecture): \(summary) (names: \(dialect.rawValue))"]
        lines += some(missing) { "missing: \($0)\(suggestion(for: $0))" }
        lines += some(unexpected) { "unexpected: \($0)" }
        lines += some(reshaped) { "shape: \($0.name) is \($0.found), expected \($0.expected)" }
        let hint: String? =
            if let other = others.first {
                "it fits \(others.joined(separator: " and ")): name \(others.count == 1 ? other : "one of them")"
            } else {
                "check the architecture; every tensor must be there with its shape"
            }
        return Diagnostic(lines.joined(separator: "\n  "), hint: hint, exitCode: .badData)
    }

    /// The first few of a list, and how many more there are.
    private func some<Element>(_ all: [Element], _ line: (Element) -> String) -> [String] {
        let shown = 10
        return all.prefix(shown).map(line) + (all.count > shown ? ["and \(all.count - shown) more"] : [])
    }

    /// The name that a missing tensor has in the dialect, and the nearest one in the checkpoint.
    private func suggestion(for name: String) -> String {
        let pairs = (expected[name] ?? [name]).map { wanted in
            (wanted: wanted, near: wanted.closest(in: unexpected))
        }
        let best = pairs.min { a, b in
            (a.near.map(a.wanted.editDistance) ?? 0) < (b.near.map(b.wanted.editDistance) ?? 0)
        }
        let own = best.flatMap { $0.wanted == name ? nil : "'\($0.wanted)'" }
        let near = best?.near.map { "the checkpoint has '\($0)'" }
        let parts = [own, near].compactMap { $0 }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
    }
}
