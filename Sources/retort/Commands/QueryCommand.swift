import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Stages

/// Finds the images of a pool that are nearest to one image, or to a text.
struct QueryCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Find the images of a pool that are nearest to one image, or to a text.",
        discussion: """
            The image is seen as the model that embedded the pool sees images; the search is exact. Similarities are \
            cosines. With --id, the image is one of the pool's own, by six or more digits of its content id. A text \
            can be asked for where a CLIP with both towers has embedded the pool.
            """)

    @Option(help: "An embed, index or curate stage of a run, or the folder of its artifact.") var index:
        String
    @Option(help: "The image: a JPEG, PNG or WebP file.") var image: String?
    @Option(help: "The image: the content id of one that is embedded.") var id: String?
    @Option(help: "A text, such as 'a red cube', in place of an image.") var text: String?
    @Option(name: .customShort("k"), help: "How many images to find.") var k = 20
    @Option(help: "The run whose stage is meant; by default the newest that has it.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard [image, id, text].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("give one of --image, --id and --text")
        }
        guard k >= 1 else { throw ValidationError("-k is \(k), and has to be 1 or more") }
    }

    func execute(_ console: Console) throws {
        let folder = try artifact()
        let query = try EmbeddingQuery(of: folder, store: folder.deletingLastPathComponent())
        let hits: [EmbeddingQuery.Hit]
        if let image {
            guard let data = FileManager.default.contents(atPath: image) else {
                throw Diagnostic("there is no file \(image)", exitCode: .inputMissing)
            }
            hits = try query.nearest(toPicture: data, count: k)
        } else if let text {
            hits = try query.nearest(toText: text, count: k)
        } else {
            hits = try query.nearest(toImage: query.identifier(of: id ?? ""), count: k)
        }
        if global.json { return try console.print(json: hits) }
        var table = TextTable()
        for hit in hits {
            table.add(
                "\(hit.rank)", "\(String(format: "%.4f", hit.similarity))", "\(hit.source)",
                "\(hit.id.prefix(12))")
        }
        for line in table.lines() { console.print(line) }
    }

    /// The artifact, below the store in which everything that it was made from lies.
    private func artifact() throws -> URL {
        let given = URL(filePath: index, directoryHint: .isDirectory)
        if FileManager.default.fileExists(atPath: given.appending(path: ArtifactRecord.fileName).path) {
            return given.resolvingSymlinksInPath()
        }
        return try ArtifactLookup(store.open()).artifact(of: index, run: run).folder.resolvingSymlinksInPath()
    }
}
