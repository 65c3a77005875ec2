internal import Diagnostics
internal import Engine
internal import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Training
internal import Vision

/// Turns texts into unit vectors that images can be searched with.
///
/// A class becomes one vector: that of its name in each sentence of `templates`, averaged and brought to length one, as
/// for zero-shot classification (Radford et al. 2021, section 3.1.4). Every other text is a vector of its own. So a
/// curation that is balanced over queries is balanced over classes and texts alike.
struct EmbedTexts: Stage {
    static let name: StageName = "embed-texts"
    static let revision = 1
    static let summary =
        "Turns names of classes, and texts, into unit vectors that images can be searched with."

    @Input("The CLIP, the same that embeds the images.") var model: Checkpoint
    @Input("A data set the names of whose classes are embedded; its images are not read.")
    var classes: ImageSet?
    @Setting("Sentences about a class, with {} for its name; their embeddings are averaged.")
    var templates = ZeroShotClassifier.templates
    @Setting("Texts, each of them a query of its own.") var prompts: [String] = []
    @Setting("A file with further texts, one a line.", hashed: false) var file: String?

    func validate() throws {
        if !$classes.isGiven, prompts.isEmpty, file == nil {
            throw Diagnostic(
                "there is nothing to embed",
                hint: "prompts: ['a red cube', …], file: prompts.txt, or classes: with a labelled data set")
        }
        if $classes.isGiven, templates.isEmpty {
            throw Diagnostic("templates is empty", hint: "templates: ['a photo of a {}.']")
        }
        if prompts.contains(where: \.isBlank) {
            throw Diagnostic("one of the prompts is empty", hint: "leave it out")
        }
    }

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        guard let file else { return [:] }
        let url = environment.resolve(file)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw Diagnostic(
                "no file \(url.path)", at: environment.location(of: "file"),
                hint: "name a text file with one text a line", exitCode: .inputMissing)
        }
        return ["file": try environment.digests.digest(of: url)]
    }

    func run(in context: StageContext) throws -> TextEmbeddingSet {
        let clip = try LoadedCLIP.load(model.location.directory, device: context.prepareDevice())
        let names = classes?.classes ?? []
        if let classes, names.isEmpty {
            throw Diagnostic(
                "'\(classes.location.node)' has no classes", at: context.sourceLocation(of: "classes"),
                hint: "name a labelled data set, or write prompts:", exitCode: .badData)
        }
        let texts = try distinct(prompts + lines(in: context), in: context)
        warn(about: names.flatMap(sentences) + texts, clip, in: context)
        var rows: [TextEmbeddingSet.Row] = []
        var values: [Float] = []
        if !names.isEmpty {
            values += try ZeroShotClassifier(clip, classes: names, templates: templates).weights.floats()
            rows += names.enumerated().map { label, name in
                TextEmbeddingSet.Row(id: id(sentences(name)), text: name, label: label)
            }
        }
        try context.advance(to: 1, of: 2)
        if !texts.isEmpty {
            values += try clip.embeddings(of: texts).floats()
            rows += texts.map { TextEmbeddingSet.Row(id: id([$0]), text: $0) }
        }
        let width = clip.configuration.text.embedding
        try NpyFile.write(
            values, shape: [rows.count, width], as: .float32,
            to: context.output.appending(path: TextEmbeddingSet.vectorsFile))
        try writeClasses(names, to: context.output)
        try JSONFiles.writeLines(rows, to: context.output.appending(path: TextEmbeddingSet.textsFile))
        context.count("texts", rows.count)
        context.count("dimension", width)
        try context.advance(to: 2, of: 2)
        return try TextEmbeddingSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    private func sentences(_ name: String) -> [String] {
        templates.map { $0.replacing(ZeroShotClassifier.place, with: name) }
    }

    private func id(_ sentences: [String]) -> String {
        ContentID.of(Data(sentences.joined(separator: "\n").utf8))
    }

    /// The lines of the file, without the empty ones.
    private func lines(in context: StageContext) throws -> [String] {
        guard let file else { return [] }
        guard let text = try? String(contentsOf: context.resolve(file), encoding: .utf8) else {
            throw Diagnostic(
                "cannot read '\(file)' as text", at: context.sourceLocation(of: "file"), exitCode: .badData)
        }
        return text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isBlank }
    }

    /// The texts without repetitions: one that stood twice would get twice as many images.
    private func distinct(_ texts: [String], in context: StageContext) throws -> [String] {
        var seen: Set<String> = []
        let kept = texts.filter { seen.insert($0).inserted }
        if kept.count < texts.count {
            context.warn("\(texts.count - kept.count) texts are repetitions, and are embedded once")
        }
        guard !kept.isEmpty || classes != nil else {
            throw Diagnostic(
                "'\(file ?? "")' has no lines", at: context.sourceLocation(of: "file"),
                hint: "write one text a line", exitCode: .badData)
        }
        return kept
    }

    private func warn(about texts: [String], _ clip: LoadedCLIP, in context: StageContext) {
        let cut = texts.filter(clip.cutsOff)
        guard let first = cut.first else { return }
        context.warn(
            "\(cut.count) of \(texts.count) texts have more tokens than the "
                + "\(clip.configuration.text.contextLength) that the text tower reads; the first is '\(first)'",
            hint: "shorten them: their ends are not read")
    }
}

extension String {
    /// Whether there is nothing to read in it.
    fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
