import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Inspector

/// Works with the marks that a review has left.
struct ReviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Count, merge and apply the marks of transfer sets.",
        subcommands: [Stats.self, Apply.self, Merge.self])

    /// What names a set and its marks.
    struct Subject: ParsableArguments {
        @Argument(help: "A curate stage, or the folder of its artifact.") var artifact: String
        @Option(
            help: "The file of the marks (default: marks/STAGE.jsonl beside the pipeline).",
            completion: .file())
        var marks: String?
        @Option(help: "The run.") var run: String?
        @OptionGroup var store: StoreOptions

        func lookUp() throws -> (set: TransferSetLookup, marks: URL) {
            let set = try TransferSetLookup(artifact, run: run, in: store.open())
            let file = marks.map { URL(filePath: $0) } ?? set.marks
            guard FileManager.default.fileExists(atPath: file.path) else {
                throw Diagnostic(
                    "there are no marks at '\(file.path)'",
                    hint: "'retort inspect \(artifact)' makes them; --marks names another file",
                    exitCode: .inputMissing)
            }
            return (set, file)
        }
    }

    /// Counts marks.
    struct Stats: RetortCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats", abstract: "Count the marks, in all and by class.")

        @OptionGroup var subject: Subject
        @OptionGroup var global: GlobalOptions

        func execute(_ console: Console) throws {
            let (set, file) = try subject.lookUp()
            let review = try MarksReview(marks: file, artifact: set.folder)
            for warning in review.warnings { console.show(Diagnostic(warning, severity: .warning)) }
            if global.json { return try console.print(json: review) }
            var table = TextTable()
            let names = MarksReview.names
            func add(_ name: String, _ marks: [String: Int]) {
                let counts = names.map { "\(marks[$0] ?? 0)" }
                table.add(
                    "\(name)", "\(counts[0])", "\(counts[1])", "\(counts[2])", "\(counts[3])", "\(counts[4])")
            }
            table.add("", "\(names[0])", "\(names[1])", "\(names[2])", "\(names[3])", "\(names[4])")
            add("all", review.marks)
            for row in review.classes { add(row.name.isEmpty ? "(not in the set)" : row.name, row.marks) }
            for line in table.lines() { console.print(line) }
        }
    }

    /// Says what the marks will do.
    struct Apply: RetortCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply", abstract: "Say what the next run of the curate stage will change.",
            discussion: "Changes nothing: marks are an input of the stage, and 'retort run' heeds them.")

        @OptionGroup var subject: Subject
        @OptionGroup var global: GlobalOptions

        func execute(_ console: Console) throws {
            let (set, file) = try subject.lookUp()
            let review = try MarksReview(marks: file, artifact: set.folder)
            for warning in review.warnings { console.show(Diagnostic(warning, severity: .warning)) }
            if global.json { return try console.print(json: review) }
            console.print(
                "\(review.leaving) images leave '\(set.stage)' and are replaced, "
                    + "for \(review.queries.count) queries")
            console.print("\(review.entering) accepted images from outside are chosen first where eligible")
            console.print("\(review.barred) excluded images from outside cannot come in")
            console.print(
                set.readsMarks
                    ? "`retort run` executes '\(set.stage)' and what comes after it, and nothing before it"
                    : "the stage does not read them yet: set `marks: \(file.path)` at '\(set.stage)'")
        }
    }

    /// Joins marks files.
    struct Merge: RetortCommand {
        static let configuration = CommandConfiguration(
            commandName: "merge", abstract: "Join marks files by time; the last line of an image counts.")

        @Argument(help: "The files.", completion: .file()) var files: [String]
        @Option(name: .shortAndLong, help: "The file to write.", completion: .file()) var output: String
        @OptionGroup var global: GlobalOptions

        func execute(_ console: Console) throws {
            for file in files where !FileManager.default.fileExists(atPath: file) {
                throw Diagnostic("there is no file '\(file)'", exitCode: .inputMissing)
            }
            let count = try MarksReview.merge(files.map { URL(filePath: $0) }, into: URL(filePath: output))
            if global.json { return try console.print(json: ["lines": count]) }
            console.print("\(count) lines in \(output)")
        }
    }
}
