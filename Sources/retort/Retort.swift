import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// The command line of Retort; each verb is one file in `Commands/`.
@main struct Retort: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retort",
        abstract: "Turns a few labelled images and a large unlabelled pool into a small vision model.",
        discussion: """
            One YAML file declares the pipeline. Results go to stdout, progress and diagnostics to stderr; every \
            verb takes --json and -C.
            """,
        version: ProductVersion.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Work",
                subcommands: [
                    RunCommand.self, PlanCommand.self, ResumeCommand.self, AblateCommand.self,
                ]),
            CommandGroup(
                name: "Look",
                subcommands: [
                    StatusCommand.self, RunsCommand.self, LogCommand.self, WhyCommand.self, PathCommand.self,
                    GraphCommand.self, InspectCommand.self, QueryCommand.self, ReviewCommand.self,
                    CompareCommand.self, ReportCommand.self,
                ]),
            CommandGroup(
                name: "Without a pipeline",
                subcommands: [
                    PredictCommand.self, EmbedCommand.self, NeighboursCommand.self, CurateCommand.self,
                    ExportCommand.self, ModelCommand.self,
                ]),
            CommandGroup(
                name: "Pipeline files",
                subcommands: [
                    InitCommand.self, ValidateCommand.self, ConfigCommand.self, StagesCommand.self,
                    SchemaCommand.self,
                ]),
            CommandGroup(
                name: "Housekeeping",
                subcommands: [
                    VerifyCommand.self, CollectCommand.self, UsageCommand.self, PinCommand.self,
                    UnpinCommand.self,
                    DoctorCommand.self, VersionCommand.self,
                ]),
            // Not shown: how a run executes one of its stages in another process.
            CommandGroup(name: "Inside", subcommands: [ExecuteCommand.self]),
        ])

    /// Taken before the verb too: `retort -C somewhere run`.
    @OptionGroup var global: GlobalOptions

    /// Parses the command line and carries the verb out; a word that is no verb is answered with the one that was meant.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if let problem = UnknownVerb(in: Array(CommandLine.arguments.dropFirst()), of: self) {
                Console(isQuiet: false, isVerbose: false).show(problem.diagnostic)
                _exit(problem.diagnostic.exitCode.rawValue)
            }
            exit(withError: error)
        }
    }
}
