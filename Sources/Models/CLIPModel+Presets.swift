public import Diagnostics
internal import Layers

extension CLIPConfiguration {
    /// The names that stand for two towers: OpenCLIP's, and two small ones for images of 32 pixels.
    public static var names: [String] { presets.map(\.name) }

    private struct Preset {
        let name: String
        /// The image tower; by default the architecture of the same name.
        var image: String?
        let text: TextTransformer.Shape
    }

    /// CLIP's vocabulary has 49,408 numbers.
    private static let vocabularySize = 49408

    private static func tower(_ width: Int, _ embedding: Int, depth: Int = 12) -> TextTransformer.Shape {
        .init(vocabularySize: vocabularySize, width: width, depth: depth, embedding: embedding)
    }

    /// The text tower beside a small image tower.
    private static let miniature = TextTransformer.Shape(
        vocabularySize: vocabularySize, width: 128, depth: 4, embedding: 128)

    private static let presets: [Preset] =
        [
            ("ViT-B-32", tower(512, 512)), ("ViT-B-16", tower(512, 512)), ("ViT-L-14", tower(768, 768)),
            ("ViT-L-14-336", tower(768, 768)), ("ViT-H-14", tower(1024, 1024, depth: 24)),
        ].flatMap { name, text in
            var quick = text
            quick.activation = .quickGELU
            return [
                Preset(name: name, text: text), Preset(name: name + "-quickgelu", text: quick),
            ]
        } + [
            Preset(name: "clip_vit_mini", text: miniature),
            Preset(name: "clip_mobilenetv2_mini", image: "mobilenetv2_mini", text: miniature),
        ]

    /// The towers that a name stands for: a CLIP's, or any architecture's beside a small text tower.
    ///
    /// - Parameters:
    ///   - imageSize: another size of image than the architecture's own.
    ///   - vocabularySize: how many tokens the vocabulary has; by default CLIP's 49,408.
    public static func defaults(
        for name: String, imageSize: Int? = nil, vocabularySize: Int? = nil
    ) throws(Diagnostic) -> CLIPConfiguration {
        let preset = presets.first { $0.name == name } ?? Preset(name: name, text: miniature)
        guard presets.contains(where: { $0.name == name }) || ModelRegistry.names.contains(name) else {
            throw Diagnostic(
                "unknown model '\(name)'",
                hint: name.didYouMean(names + ModelRegistry.names)
                    ?? "two towers are \(names.joined(separator: ", ")); any other architecture gets a small text tower"
            )
        }
        var configuration = CLIPConfiguration(
            image: try ModelRegistry.defaults(
                for: preset.image ?? name, imageSize: imageSize, classCount: 0), text: preset.text)
        if let vocabularySize { configuration.text.vocabularySize = vocabularySize }
        // A projected tower of an architecture that is no preset of two decides the embedding's length.
        if case .int(let length)? = configuration.image.options["projection"], length > 0 {
            configuration.text.embedding = length
        }
        return configuration
    }
}
