import ArgumentParser
import Engine
import Foundation

/// Prints the folder of a stage's artifact.
struct PathCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "Print the folder of a stage's artifact.",
        discussion: "Without --run, the newest run that has the stage's artifact is meant.")

    @Argument(help: "The stage, with its matrix point if it has one: student[seed=0].") var stage: String
    @Option(help: "The run.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let (id, folder) = try ArtifactLookup(store.open()).artifact(of: stage, run: run)
        if global.json {
            return try console.print(json: ["run": id, "stage": stage, "artifact": folder.path])
        }
        console.print(folder.path)
    }
}
