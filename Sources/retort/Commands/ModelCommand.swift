import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Layers
import Models
import Tensors
import Training

/// Looks at weights files of any dialect, and rewrites them.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Look at weights files, or write them under timm's names.",
        subcommands: [Info.self, Convert.self])

    /// Which weights, and as what.
    struct Weights: ParsableArguments {
        @Argument(
            help: "The weights: a safetensors or TorchScript file, or the folder of a checkpoint.",
            completion: .file(extensions: ["safetensors"]))
        var file: String
        @Option(help: "The architecture, by timm's or OpenCLIP's name; by default the one that fits.")
        var arch: String?

        func open() throws -> (file: WeightsFile, identified: WeightsFile.Identified) {
            let file = try WeightsFile(URL(filePath: file))
            return (file, try file.identify(as: arch))
        }
    }

    // MARK: Info

    /// Says of which dialect and architecture a file is, and whether it covers the architecture.
    struct Info: RetortCommand {
        static let configuration = CommandConfiguration(
            commandName: "info", abstract: "Say what a weights file is, and whether every tensor fits.",
            discussion: "Exits with 65, and the nearest names, where it does not cover its architecture.")

        @OptionGroup var weights: Weights
        @OptionGroup var global: GlobalOptions

        func execute(_ console: Console) throws {
            if let script = try ScriptReport(URL(filePath: weights.file)) { return try show(script, console) }
            let (file, identified) = try weights.open()
            let text = file.textTower(beside: identified)
            let report = Report(identified, text: text)
            if global.json {
                try console.print(json: report)
            } else {
                report.lines.forEach(console.print)
            }
            for note in identified.notes { console.show(Diagnostic(note, severity: .warning)) }
            guard !identified.guess.coverage.isComplete || text?.isComplete == false else { return }
            do { try identified.check() } catch let problem as Diagnostic { console.show(problem) }
            throw EarlyExit(.badData)
        }

        private func show(_ script: ScriptReport, _ console: Console) throws {
            console.show(
                Diagnostic(
                    "a TorchScript module brings code of its own, which runs wherever it is used",
                    hint: "use only scripts whose makers you trust", severity: .warning))
            if global.json { return try console.print(json: script) }
            script.lines.forEach(console.print)
        }
    }

    // MARK: Convert

    /// Writes weights of any dialect under timm's names.
    struct Convert: RetortCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert", abstract: "Write a weights file under timm's names, in fp32.",
            discussion: "A model.json beside it holds the architecture, its options and its preprocessing.")

        /// The names that can be written.
        enum Names: String, ExpressibleByArgument, CaseIterable { case timm }

        @OptionGroup var weights: Weights
        @Option(help: "The safetensors file to write.", completion: .file(extensions: ["safetensors"]))
        var out: String
        @Option(help: "The names to write.") var to = Names.timm
        @OptionGroup var global: GlobalOptions

        func execute(_ console: Console) throws {
            let (file, identified) = try weights.open()
            for note in identified.notes { console.show(Diagnostic(note, severity: .warning)) }
            let output = URL(filePath: out)
            let card = output.deletingLastPathComponent().appending(path: ModelCard.file)
            for taken in [output, card] where FileManager.default.fileExists(atPath: taken.path) {
                throw Diagnostic(
                    "\(taken.path) exists already",
                    hint: "write into a folder of its own: model.json describes the weights beside it",
                    exitCode: .usage)
            }
            var model = try file.load(identified)
            model.card.lineage.append("convert \(file.url.lastPathComponent)")
            do {
                try FileManager.default.createDirectory(
                    at: output.deletingLastPathComponent(), withIntermediateDirectories: true)
                try model.writeTimm(to: output)
            } catch {
                throw Diagnostic("cannot write \(output.path): \(error)", exitCode: .io)
            }
            if global.json { return try console.print(json: Report(identified)) }
            let coverage = identified.guess.coverage
            console.print("\(out): \(coverage.architecture), \(coverage.summary)")
        }
    }

    // MARK: What is printed

    /// The text tower of a CLIP.
    private struct TextReport: Encodable {
        var loaded, total: Int
        var missing, unexpected: [String]
        var sizes: TextTransformer.Shape

        init(_ text: TextTranslation) {
            (loaded, total, missing) = (text.loaded, text.total, text.missing)
            unexpected = text.strangers
            sizes = text.shape
        }
    }

    /// What a weights file is, for people and for programs.
    private struct Report: Encodable {
        /// A tensor of another shape.
        struct Reshape: Encodable {
            var name: String
            var found, expected: [Int]
        }

        private let coverage: WeightCoverage
        private let configuration: ModelConfiguration
        private let alternatives: [String]
        private let text: TextTranslation?

        init(_ identified: WeightsFile.Identified, text: TextTranslation? = nil) {
            self.text = text
            coverage = identified.guess.coverage
            configuration = identified.guess.configuration
            alternatives = identified.alternatives
        }

        enum CodingKeys: String, CodingKey {
            case dialect, architecture, loaded, total, coverage, missing, unexpected, reshaped, ignored
            case alternatives, preprocessing, options, text
            case otherTower = "other_tower"
            case imageSize = "image_size"
            case classCount = "class_count"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(coverage.dialect, forKey: .dialect)
            try container.encode(coverage.architecture, forKey: .architecture)
            try container.encode(coverage.loaded, forKey: .loaded)
            try container.encode(coverage.total, forKey: .total)
            try container.encode(coverage.coverage, forKey: .coverage)
            try container.encode(coverage.missing, forKey: .missing)
            try container.encode(coverage.unexpected, forKey: .unexpected)
            let reshaped = coverage.reshaped.map {
                Reshape(name: $0.name, found: $0.found, expected: $0.expected)
            }
            try container.encode(reshaped, forKey: .reshaped)
            try container.encode(coverage.ignored, forKey: .ignored)
            try container.encode(coverage.otherTower.count, forKey: .otherTower)
            try container.encodeIfPresent(text.map(TextReport.init), forKey: .text)
            try container.encode(alternatives, forKey: .alternatives)
            try container.encode(configuration.preprocessing, forKey: .preprocessing)
            try container.encode(configuration.imageSize, forKey: .imageSize)
            try container.encode(configuration.classCount, forKey: .classCount)
            try container.encode(configuration.options, forKey: .options)
        }

        var lines: [String] {
            let images = configuration.preprocessing
            func numbers(_ values: [Double]) -> String {
                values.map { "\($0)" }.joined(separator: " ")
            }
            var lines = [
                "dialect       \(coverage.dialect.rawValue)",
                "architecture  \(coverage.architecture)",
                "weights       \(coverage.summary)",
                "images        \(configuration.imageSize) px, \(images.interpolation.rawValue), "
                    + "mean \(numbers(images.mean)), std \(numbers(images.std))"
                    + (images.cropShare == 1 ? "" : ", crop \(images.cropShare)"),
                "classes       \(configuration.classCount)",
            ]
            if let head = configuration.options["head"] { lines.append("head          \(head)") }
            if let text {
                let shape = text.shape
                lines.append("text tower    \(text.summary)")
                lines.append(
                    "              \(shape.depth) blocks of width \(shape.width), \(shape.vocabularySize) tokens, "
                        + "captions of \(shape.contextLength), embeddings of \(shape.embedding)")
                lines += text.missing.prefix(10).map { "  missing     \($0)" }
                lines += text.strangers.prefix(10).map { "  unexpected  \($0)" }
            } else if !coverage.otherTower.isEmpty {
                lines.append("other tower   \(Wording.count(coverage.otherTower.count, "tensor"))")
            }
            if !coverage.ignored.isEmpty {
                lines.append("not needed    \(coverage.ignored.joined(separator: ", "))")
            }
            if !alternatives.isEmpty {
                lines.append(
                    "could also be \(alternatives.joined(separator: ", ")): weights do not show the difference"
                )
            }
            return lines
        }
    }
}
