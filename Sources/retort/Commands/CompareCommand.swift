import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Inspector
import Report

/// Says what two curations share, or in what runs differ.
struct CompareCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare runs, or two transfer sets.",
        discussion: """
            Of two or more runs: which components of their stages' keys differ, every metric of every evaluation, its \
            difference from the first run seed by seed, and with --html the curves, the times and the transfer sets on \
            one page that opens offline. A run is named by the beginning or the end of its identifier.

            Of two transfer sets: overlap, classes, similarity. 'retort inspect A --against B' shows the images that only \
            one of them has.
            """)

    @Argument(help: "Runs; or two curate stages, or the folders of their artifacts.") var names: [String]
    @Option(help: "Write a page about the runs into this file.", completion: .file(extensions: ["html"]))
    var html: String?
    @Option(help: "The run that the transfer sets are from.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard names.count > 1 else {
            throw ValidationError("name two runs or more, or two transfer sets")
        }
    }

    func execute(_ console: Console) throws {
        let store = store.open()
        if meanRuns(RunHistory(store)) {
            try compareRuns(store, console)
        } else {
            try compareSets(store, console)
        }
    }

    /// Whether the names are those of runs; where they could be either, they are those of stages.
    private func meanRuns(_ history: RunHistory) -> Bool {
        if html != nil || names.count > 2 { return true }
        guard run == nil, names.contains(where: { (try? history.identifier(matching: $0)) != nil }) else {
            return false
        }
        let stages = history.identifiers().first.flatMap { try? history.summary(of: $0).stages.map(\.name) }
        return !names.contains { name in
            stages?.contains { $0 == name || $0.hasPrefix(name + "[") } == true
                || FileManager.default.fileExists(atPath: name)
        }
    }

    // MARK: Runs

    private func compareRuns(_ store: Store, _ console: Console) throws {
        let reporter = RunReporter(store)
        let ids = try names.map { try reporter.history.identifier(matching: $0) }
        if let twice = ids.first(where: { id in ids.count { $0 == id } > 1 }) {
            throw Diagnostic(
                "the run \(twice) is named twice", hint: "'retort runs' lists them", exitCode: .usage)
        }
        let comparison = RunComparison(try ids.map { try reporter.gather($0).run })
        if let html {
            let page = URL(filePath: html)
            do {
                try Data(comparison.html.utf8).write(to: page, options: .atomic)
            } catch {
                throw Diagnostic(
                    "cannot write '\(html)'", hint: "is there such a folder, and may you write there?",
                    exitCode: .io)
            }
            if !global.json { return console.print(page.path) }
        }
        if global.json { return try console.print(json: comparison) }
        for line in ComparisonText(comparison, console.style).lines { console.print(line) }
    }

    // MARK: Transfer sets

    private func compareSets(_ store: Store, _ console: Console) throws {
        let folders = try names.map { try TransferSetLookup($0, run: run, in: store).folder }
        let comparison = try CurationComparison(folders[0], folders[1])
        if global.json { return try console.print(json: comparison) }
        var table = TextTable()
        table.add("", "\(comparison.names[0])", "\(comparison.names[1])", "in both")
        table.add("images", "\(comparison.images[0])", "\(comparison.images[1])", "\(comparison.common)")
        let similarity = comparison.meanSimilarity.map { $0.map { Self.fixed($0) } ?? "–" }
        table.add("similarity", "\(similarity[0])", "\(similarity[1])", "")
        for row in comparison.classes where !(row.name.isEmpty && comparison.classes.count == 1) {
            table.add(
                "\(row.name.isEmpty ? "(no class)" : row.name)", "\(row.first)", "\(row.second)",
                "\(row.common)")
        }
        for line in table.lines() { console.print(line) }
        let shift =
            comparison.shift.map { ", common images \(Self.fixed($0, signed: true)) in the second" } ?? ""
        console.print("Jaccard index \(Self.fixed(comparison.jaccard))\(shift)")
    }

    private static func fixed(_ value: Double, signed: Bool = false) -> String {
        String(format: signed ? "%+.4f" : "%.3f", value)
    }
}
