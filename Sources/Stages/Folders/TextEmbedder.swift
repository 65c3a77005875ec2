internal import Diagnostics
public import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Text
internal import Training

/// Embeds the lines of a text file with the text tower of a CLIP, outside any pipeline.
public struct TextEmbedder {
    /// What was embedded.
    public struct Summary: Codable, Sendable {
        /// The number of rows.
        public var texts: Int
        /// The number of columns.
        public var dimension: Int
        /// The lines that hold more tokens than the tower reads, from one; their ends were not read.
        public var cut: [Int]
        /// The most tokens that the tower reads.
        public var contextLength: Int

        enum CodingKeys: String, CodingKey {
            case texts, dimension, cut
            case contextLength = "context_length"
        }
    }

    private let clip: LoadedCLIP

    /// What the user should know about the weights.
    public let notes: [String]

    /// Opens a weights file that holds both towers, or the folder of a checkpoint that train-clip made.
    ///
    /// - Throws: a `Diagnostic` for a file without a text tower, and where no vocabulary is known.
    public init(
        checkpoint: URL, architecture: String?, imageSize: Int?, vocabulary: URL?, threads: Int
    ) throws {
        try Torch.setThreads(threads)
        let folder = LoadedCLIP.folder(of: checkpoint)
        if architecture == nil, LoadedCLIP.isCLIP(folder) {
            clip = try LoadedCLIP.load(folder, device: .cpu, imageSize: imageSize)
            notes =
                vocabulary == nil
                ? [] : ["the checkpoint brings its own vocabulary, and the file was not used"]
            return
        }
        let beside = folder.appending(path: Tokenizer.file)
        let isBeside = FileManager.default.fileExists(atPath: beside.path)
        guard let vocabulary = vocabulary ?? (isBeside ? beside : nil) else {
            throw Diagnostic(
                "texts need the vocabulary that the weights were trained with",
                hint:
                    "add --vocabulary bpe_simple_vocab_16e6.txt.gz, the file that OpenAI published with CLIP",
                exitCode: .usage)
        }
        let file = try WeightsFile(checkpoint)
        let identified = try file.identify(as: architecture, imageSize: imageSize)
        clip = try file.loadCLIP(identified, tokenizer: Tokenizer(vocabulary))
        notes = identified.notes
    }

    /// Writes one unit vector (fp32) for each line, in their order; an empty line is an empty caption.
    public func embed(lines file: URL, to output: URL) throws -> Summary {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            throw Diagnostic("cannot read \(file.path) as text", exitCode: .inputMissing)
        }
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        // The end of the last line is no line.
        if lines.last == "" { lines.removeLast() }
        guard !lines.isEmpty else {
            throw Diagnostic(
                "\(file.path) has no lines", hint: "write one caption a line", exitCode: .badData)
        }
        let vectors = try clip.embeddings(of: lines)
        let (rows, columns) = (vectors.shape[0], vectors.shape[1])
        try NpyFile.write(vectors.floats(), shape: [rows, columns], as: .float32, to: output)
        let context = clip.configuration.text.contextLength
        let cut = lines.indices.filter { clip.tokenizer.encode(lines[$0]).count + 2 > context }.map { $0 + 1 }
        return Summary(texts: rows, dimension: columns, cut: cut, contextLength: context)
    }
}
