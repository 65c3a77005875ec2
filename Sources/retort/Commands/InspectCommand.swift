import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Report
import Stages

/// Shows what a curated transfer set holds, and why; or what a set of labels says of itself.
struct InspectCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Look at a transfer set: in the terminal, or as an offline page.",
        discussion: "Of a set of labels it prints counts and facts, such as the bytes that each image takes.")

    @Argument(help: "A curate or label stage of the newest run that has one, or the folder of its artifact.")
    var artifact: String
    @Flag(help: "Print a summary.") var text = false
    @Option(
        name: .customLong("static"), help: "Write a page that opens offline into this folder.",
        completion: .directory)
    var staticFolder: String?
    @Option(help: "The run.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = store.open()
        let folder = try folder(in: store)
        let record = try ArtifactRecord.read(at: folder)
        if record.kind == LabelSet.kind { return try show(record, console) }
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

    private func folder(in store: Store) throws -> URL {
        let given = URL(filePath: artifact, directoryHint: .isDirectory)
        let record = given.appending(path: ArtifactRecord.fileName).path
        if FileManager.default.fileExists(atPath: record) { return given.resolvingSymlinksInPath() }
        let history = RunHistory(store)
        let runs = run == nil ? history.identifiers() : [try history.identifier(matching: run)]
        for id in runs {
            if let found = history.artifact(of: artifact, run: id) { return found.resolvingSymlinksInPath() }
        }
        throw Diagnostic(
            "there is no artifact '\(artifact)'",
            hint: "name a curate or label stage that has run, or a folder of the store",
            exitCode: .inputMissing)
    }
}
