import Diagnostics

/// What stands on a network's features: the option `head` of every architecture.
public enum ModelHead: Hashable, Sendable {
    /// One answer for an image.
    case classification(ClassificationHead)
    /// An answer for every pixel.
    case segmentation(SegmentationHead)

    /// The options that every architecture has beside its own; a configuration that lacks them means these.
    static let options: [String: ModelOption] = [
        "head": .string(ClassificationHead.linear.rawValue), "head_hidden": 0, "head_norm": true,
        "head_rates": "6 12 18", "output_stride": 0,
    ]

    /// The prefixes of the names of its tensors, for an architecture whose own head has this one.
    func prefixes(_ own: String) -> [String] {
        switch self {
        case .classification(let head): [own] + head.extraPrefixes
        case .segmentation(let head): [head.prefix]
        }
    }

    /// Reads and checks the option.
    init(_ given: ModelConfiguration, of preset: ModelPreset) throws(Diagnostic) {
        var configuration = given
        configuration.options.merge(Self.options) { own, _ in own }
        self = try configuration.choice("head")
        _ = try DenseHeadSettings(configuration)
        try configuration.checkOutputStride(isDilatable: preset.isDilatable)
        let projects = (configuration.options["projection"] ?? 0) != 0
        switch self {
        case .classification(.attentionPool) where !preset.hasTokens:
            throw configuration.bad("head", "one of linear, mlp: it has no tokens to pool")
        case .classification(.attentionPool) where projects:
            throw configuration.bad("head", "one of linear, mlp: its features are projected")
        case .segmentation where !preset.hasMap:
            throw configuration.bad(
                "head", "one of linear, mlp: it gives one vector for an image, and no map")
        default: break
        }
    }
}

extension ModelHead: RawRepresentable, CaseIterable {
    /// All heads, those for images first.
    public static let allCases =
        ClassificationHead.allCases.map(Self.classification)
        + SegmentationHead.allCases.map(Self.segmentation)

    /// The word in a pipeline.
    public var rawValue: String {
        switch self {
        case .classification(let head): head.rawValue
        case .segmentation(let head): head.rawValue
        }
    }

    /// The head of that name.
    public init?(rawValue: String) {
        guard let head = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = head
    }
}
