import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Inspector

/// Says what two curations share, and where they differ.
struct CompareCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare two transfer sets: overlap, classes, similarity.",
        discussion: "'retort inspect A --against B' shows the images that only one of them has.")

    @Argument(help: "A curate stage, or the folder of its artifact.") var first: String
    @Argument(help: "Another one.") var second: String
    @Option(help: "The run.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = store.open()
        let folders = try [first, second].map { try TransferSetLookup($0, run: run, in: store).folder }
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
