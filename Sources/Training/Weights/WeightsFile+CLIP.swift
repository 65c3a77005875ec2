internal import Diagnostics
internal import Foundation
internal import Layers
public import Models
internal import Safetensors
public import Tensors
public import Text

extension WeightsFile {
    /// The text tower beside the visual one that was identified; nil where the file has none that we know.
    public func textTower(beside identified: Identified) -> TextTranslation? {
        var activation = TransformerStyle.Activation.gelu
        if case .string(let word)? = identified.guess.configuration.options["activation"] {
            activation = .init(rawValue: word) ?? activation
        }
        return TextTranslation(shapes, beside: identified.guess.translation, activation: activation)
    }

    /// Reads both towers of a CLIP, which the file must cover completely.
    ///
    /// - Throws: a `Diagnostic` for a file without a text tower, or with one that lacks something.
    public func loadCLIP(
        _ identified: Identified, tokenizer: Tokenizer, device: Device = .cpu
    ) throws -> LoadedCLIP {
        try identified.check()
        let name = url.lastPathComponent
        guard let text = textTower(beside: identified) else {
            throw Diagnostic(
                "\(name) has no text tower whose names are OpenCLIP's or Hugging Face's",
                hint: "`retort model info` says what it holds", exitCode: .badData)
        }
        guard text.isComplete else {
            let wrong = (text.missing.map { "missing: \($0)" } + text.strangers.map { "unexpected: \($0)" })
                .prefix(10).joined(separator: "\n  ")
            throw Diagnostic(
                "the text tower of \(name) does not fit: \(text.summary)\n  \(wrong)", exitCode: .badData)
        }
        let configuration = CLIPConfiguration(image: identified.guess.configuration, text: text.shape)
        guard configuration.isProjected else {
            throw Diagnostic(
                "as \(configuration.image.architecture) the visual tower of \(name) is read without its projection",
                hint: "name the architecture as OpenCLIP does: ViT-B-32 or ViT-B-32-quickgelu")
        }
        return try reading(as: configuration.image.architecture) {
            var state = try identified.guess.translation.state { try file.tensor(file.tensor($0)) }
            for (name, tensor) in try text.state(reading: { try file.tensor(file.tensor($0)) }) {
                state[CLIPModel.prefix + name] = tensor
            }
            return try LoadedCLIP(
                card: ModelCard(
                    configuration: configuration.image, classes: [], lineage: card?.lineage ?? [],
                    licences: card?.licences), configuration, tokenizer: tokenizer,
                CLIPModel.load(configuration, from: state, device: device), device: device)
        }
    }
}
