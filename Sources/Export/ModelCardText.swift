internal import Foundation
internal import Models
internal import Tensors
internal import Training

/// The card that lies beside an exported model, in Markdown: what it is, what it takes, and how to run it.
struct ModelCardText {
    private let export: ModelExport
    private let format: ModelExport.Format
    private let summary: ModelExport.Summary

    init(_ export: ModelExport, _ format: ModelExport.Format, _ summary: ModelExport.Summary) {
        self.export = export
        self.format = format
        self.summary = summary
    }

    private var card: ModelCard { export.model.card }
    private var configuration: ModelConfiguration { card.configuration }
    private var preprocessing: Preprocessing { card.configuration.preprocessing }
    private var name: String { URL(filePath: summary.file).lastPathComponent }

    /// The whole text.
    var text: String {
        ([header, facts, input] + [outputs, howToRun, classes, lineage, licences])
            .filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    /// What the model does.
    private enum Task {
        case classification, segmentation, embedding
    }

    private var task: Task {
        export.model.segmenter != nil ? .segmentation : export.model.hasHead ? .classification : .embedding
    }

    private var header: String {
        let task =
            switch task {
            case .classification: "classifies images into \(configuration.classCount) classes"
            case .segmentation: "says which of \(configuration.classCount) classes each pixel shows"
            case .embedding: "turns images into vectors of \(export.model.network.featureWidth) numbers"
            }
        return "# \(name)\n\nA `\(configuration.architecture)` that \(task), exported by Retort."
    }

    private var facts: String {
        var rows: [(String, String)] = [
            ("Architecture", "`\(configuration.architecture)`"),
            (
                "Options",
                configuration.options.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                    .joined(separator: ", ")
            ),
            ("Parameters", "\(summary.parameters)"),
            ("File", "\(summary.bytes) bytes"),
            ("SHA-256", "`\(summary.sha256)`"),
        ]
        if format == .onnx {
            rows.append(("Format", "ONNX \(OnnxGraph.formatVersion), operators \(OnnxGraph.operatorVersion)"))
        }
        if let verification = summary.verification { rows.append(("Check", verification)) }
        let lines = rows.filter { !$0.1.isEmpty }.map { "| \($0.0) | \($0.1) |" }
        return (["| | |", "|---|---|"] + lines).joined(separator: "\n")
    }

    private var input: String {
        let size = configuration.imageSize
        var lines = [
            "## Input", "",
            "- \(square) (\(preprocessing.interpolation.rawValue), antialiased).",
            "- Channels in the order red, green, blue; values from 0 to 1.",
        ]
        let normalization =
            "mean \(numbers(preprocessing.mean)), standard deviation \(numbers(preprocessing.std))"
        lines.append(
            isNormalizedInside
                ? "- Normalised inside the graph (\(normalization)): give it values from 0 to 1."
                : "- Normalised, `(value - mean) / std`, by channel: \(normalization).")
        if format == .onnx {
            lines.append("- `\(OnnxExport.input)`: float32, `[batch, 3, \(size), \(size)]`, any batch.")
        }
        return lines.joined(separator: "\n")
    }

    /// Which part of an image the model sees.
    private var square: String {
        let size = configuration.imageSize
        guard let resized else {
            return "The largest central square of the image, resized to \(size) × \(size) pixels"
        }
        return "The central \(size) × \(size) pixels of the image, its short side resized to \(resized)"
    }

    /// The short side of the image that a square is cut out of; nil where the square is cut out first.
    private var resized: Int? {
        preprocessing.cropShare == 1 ? nil : Int(Double(configuration.imageSize) / preprocessing.cropShare)
    }

    private var outputs: String {
        guard format == .onnx else { return "" }
        let (classes, size) = (configuration.classCount, configuration.imageSize)
        let logits: String? =
            switch task {
            case .classification: "`[batch, \(classes)]`; softmax makes probabilities of them."
            case .segmentation:
                "`[batch, \(classes), \(size), \(size)]`; softmax over the classes makes probabilities of them."
            case .embedding: nil
            }
        let features =
            task == .segmentation
            ? "`[batch, \(export.model.network.mapWidth), height, width]`, the map of features."
            : "`[batch, \(export.model.network.featureWidth)]`."
        var lines = ["## Output", ""]
        if let logits { lines.append("- `logits`: float32, \(logits)") }
        if export.features || task == .embedding { lines.append("- `features`: float32, \(features)") }
        return lines.joined(separator: "\n")
    }

    private var isNormalizedInside: Bool { format == .onnx && export.normalizes }

    private var howToRun: String {
        switch format {
        case .safetensors:
            let verb =
                switch task {
                case .classification: "retort predict --checkpoint \(name) --images FOLDER"
                case .segmentation: "retort export model CHECKPOINT --to onnx --out model.onnx"
                case .embedding:
                    "retort embed --checkpoint \(name) --arch \(configuration.architecture) --images FOLDER "
                        + "--out embeddings.npy"
                }
            return "## How to run it\n\n```sh\n\(verb)\n```\n\nTensors have the names that timm gives them."
        case .onnx: return "## How to run it\n\n```python\n\(python)\n```"
        case .openclip: return "## How to run it\n\n```python\n\(openCLIP)\n```"
        }
    }

    private var openCLIP: String {
        """
        import json, open_clip
        from safetensors.torch import load_file

        model = open_clip.CLIP(**json.load(open("\(OpenCLIPExport.configurationFile)"))["model_cfg"])
        model.load_state_dict(load_file("\(name)"))
        # after `gzip -k \(OpenCLIPExport.vocabularyFile)`
        tokenizer = open_clip.SimpleTokenizer("\(OpenCLIPExport.vocabularyFile).gz")
        texts = model.eval().encode_text(tokenizer(["a caption"]), normalize=True)
        """
    }

    private var python: String {
        let size = configuration.imageSize
        let output = task == .embedding ? "features" : "logits"
        var lines = [
            "import numpy, onnxruntime", "from PIL import Image", "",
            "image = Image.open(\"image.jpg\").convert(\"RGB\")",
            "side = min(image.size)",
        ]
        let filter = "Image.\(preprocessing.interpolation.rawValue.uppercased())"
        if let resized {
            lines += [
                "width, height = (int(\(resized) * length / side) for length in image.size)",
                "left, top = round((width - \(size)) / 2), round((height - \(size)) / 2)",
                "image = image.resize((width, height), \(filter)).crop((left, top, left + \(size), top + \(size)))",
            ]
        } else {
            lines += [
                "left, top = (image.width - side) // 2, (image.height - side) // 2",
                "image = image.resize((\(size), \(size)), \(filter), (left, top, left + side, top + side))",
            ]
        }
        lines += [
            "x = numpy.asarray(image, numpy.float32) / 255"
        ]
        if !isNormalizedInside {
            lines.append("x = (x - [\(numbers(preprocessing.mean))]) / [\(numbers(preprocessing.std))]")
        }
        lines += [
            "x = x.transpose(2, 0, 1)[None].astype(numpy.float32)",
            "session = onnxruntime.InferenceSession(\"\(name)\")",
            "\(output) = session.run([\"\(output)\"], {\"\(OnnxExport.input)\": x})[0]",
        ]
        return lines.joined(separator: "\n")
    }

    private var classes: String {
        guard !card.classes.isEmpty else { return "" }
        let lines = card.classes.enumerated().map { "- \($0): \($1)" }
        return "## Classes\n\n" + lines.joined(separator: "\n")
    }

    private var lineage: String {
        let lines = (card.lineage + export.provenance).map { "- \($0)" }
        return lines.isEmpty ? "" : "## Lineage\n\n" + lines.joined(separator: "\n")
    }

    private var licences: String {
        guard let licences = card.licences, !licences.isEmpty else {
            return
                "## Licences\n\nNone is recorded here. Those of the weights and of the images in the lineage apply."
        }
        return "## Licences\n\n" + licences.map { "- \($0)" }.joined(separator: "\n")
            + "\n\nThese were declared. Those of everything else in the lineage apply as well."
    }

    private func numbers(_ values: [Double]) -> String {
        values.map { "\($0)" }.joined(separator: ", ")
    }
}
