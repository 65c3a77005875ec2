import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Inspector
import Report
import Stages

/// Shows what a curated transfer set holds, and why, in a browser; or what a set of labels or maps says.
struct InspectCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract:
            "Look at a transfer set, and mark its images: in a browser, in the terminal, or as an offline page.",
        discussion: """
            Serves pages on 127.0.0.1 until Ctrl-C and prints their address, which carries a token. Marks are \
            appended to a file that the curate stage reads ('marks:').

            Of a set of labels it prints counts and facts, such as the bytes that each image takes. Of an expert's \
            maps (pseudo-label) it prints the same as with --text, and serves nothing; --static writes a page with \
            images beside their maps, and --against, once or several times, puts other experts' maps beside them.
            """)

    @Argument(
        help:
            "A curate, label or pseudo-label stage of the newest run that has one, or the folder of its artifact."
    )
    var artifact: String
    @Flag(help: "Print a summary, and serve nothing.") var text = false
    @Option(
        name: .customLong("static"),
        help: "Write a page that opens offline into this folder, and serve nothing.",
        completion: .directory)
    var staticFolder: String?
    @Option(help: "The port; any free one by default.") var port = 0
    @Flag(inversion: .prefixedNo, help: "Open a browser.") var open = true
    @Option(
        help: "The file of the marks (default: marks/STAGE.jsonl beside the pipeline).", completion: .file())
    var marks: String?
    @Option(help: "Another transfer set or set of maps, to compare with: its stage or its folder.")
    var against: [String] = []
    @Option(help: "The images on a page of maps.") var images = 24
    @Option(help: "The run.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("a port is a number from 0 to 65535") }
        guard (1...1000).contains(images) else {
            throw ValidationError("a page shows 1 to 1000 images beside their maps")
        }
    }

    func execute(_ console: Console) throws {
        let store = store.open()
        let folder = try folder(of: artifact, in: store)
        if let record = try? ArtifactRecord.read(at: folder) {
            if record.kind == LabelSet.kind { return try show(record, console) }
            if record.kind == DenseLabelSet.kind { return try showMaps(at: folder, store, console) }
        }
        guard against.count < 2 else {
            throw Diagnostic(
                "a transfer set is compared with one other", hint: "give --against once", exitCode: .usage)
        }
        guard text || global.json || staticFolder != nil else { return try serve(store, console) }
        let inspector = try TransferSetInspector(artifact: folder)
        guard let staticFolder else {
            if global.json { return try console.print(json: inspector.summary) }
            return console.print(inspector.text())
        }
        let images = StoreThumbnails(
            try StoredImages(of: folder, store: folder.deletingLastPathComponent()))
        let page = try inspector.writeStatic(
            to: URL(filePath: staticFolder, directoryHint: .isDirectory), thumbnails: images)
        if text { console.print(inspector.text()) }
        if global.json { return try console.print(json: ["page": page.path]) }
        console.print(page.path)
    }

    private func serve(_ store: Store, _ console: Console) throws {
        let set = try TransferSetLookup(artifact, run: run, in: store)
        var options = InspectorServer.Options(
            artifact: set.folder, marks: marks.map { URL(filePath: $0) } ?? set.marks, audit: set.audit)
        options.labels = set.labels(in: store)
        options.port = port
        options.against = try against.first.map { try TransferSetLookup($0, run: run, in: store).folder }
        // Before any thread starts, so that all of them leave the signals to this one.
        let signals = AwaitedSignals([SIGINT, SIGTERM])
        let server = try InspectorServer(options)
        server.prepare()
        console.print(server.address)
        console.note("marks go to \(options.marks.path); Ctrl-C ends")
        let opener = open ? BrowserOpener(server.address) : nil
        signals.wait()
        server.stop()
        opener?.cleanUp()
    }

    /// The counts and facts of an artifact.
    private func show(_ record: ArtifactRecord, _ console: Console) throws {
        var facts = record.facts
        for (name, count) in record.counts { facts[name] = .int(count) }
        if global.json { return try console.print(json: JSON.object(facts)) }
        var table = TextTable()
        for (name, value) in facts.sorted(by: { $0.key < $1.key }) {
            let text = try value.text ?? CanonicalJSON.text(value)
            table.add("\(name)", "\(text)")
        }
        for line in table.lines() { console.print(line) }
    }

    /// An expert's maps, alone or beside those of others.
    private func showMaps(at folder: URL, _ store: Store, _ console: Console) throws {
        let inspector = try ExpertMapsInspector(
            maps(at: folder), against: against.map { try maps(at: self.folder(of: $0, in: store)) })
        guard let staticFolder else {
            if global.json { return try console.print(json: inspector.facts()) }
            console.print(try inspector.text())
            if !text { console.note("for images beside their maps: --static FOLDER") }
            return
        }
        let page = try inspector.writeStatic(
            to: URL(filePath: staticFolder, directoryHint: .isDirectory),
            thumbnails: StoreThumbnails(
                try StoredImages(of: folder, store: folder.deletingLastPathComponent())), images: images)
        if text { console.print(try inspector.text()) }
        if global.json { return try console.print(json: ["page": page.path]) }
        console.print(page.path)
    }

    private func maps(at folder: URL) throws -> DenseLabelSet {
        let record = try ArtifactRecord.read(at: folder)
        guard record.kind == DenseLabelSet.kind else {
            throw Diagnostic(
                "'\(record.node)' is of kind \(record.kind), and holds no maps",
                hint: "name a pseudo-label stage", exitCode: .usage)
        }
        return try DenseLabelSet(
            ArtifactLocation(
                directory: folder, node: record.node, store: folder.deletingLastPathComponent()))
    }

    private func folder(of artifact: String, in store: Store) throws -> URL {
        let given = URL(filePath: artifact, directoryHint: .isDirectory)
        let files = [ArtifactRecord.fileName, "transfer-set.jsonl"].map { given.appending(path: $0).path }
        if files.contains(where: FileManager.default.fileExists) { return given.resolvingSymlinksInPath() }
        let history = RunHistory(store)
        let runs = run == nil ? history.identifiers() : [try history.identifier(matching: run)]
        for id in runs {
            if let found = history.artifact(of: artifact, run: id) { return found.resolvingSymlinksInPath() }
        }
        throw Diagnostic(
            "there is no artifact '\(artifact)'",
            hint: "name a curate, label or pseudo-label stage that has run, or a folder of the store",
            exitCode: .inputMissing)
    }
}
