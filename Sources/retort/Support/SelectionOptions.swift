import ArgumentParser
import Engine

/// The options that say which part of a pipeline is meant.
struct SelectionOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Only these stages and what they are made from.", valueName: "stage"))
    var targets: [String] = []

    @Option(help: ArgumentHelp("Only what is made from this stage, itself included.", valueName: "stage"))
    var from: [String] = []

    @Option(help: ArgumentHelp("Only this stage and what it is made from.", valueName: "stage"))
    var until: [String] = []

    @Option(help: ArgumentHelp("This stage and nothing else.", valueName: "stage"))
    var only: [String] = []

    @Option(help: ArgumentHelp("Execute this stage even when its artifact is there.", valueName: "stage"))
    var force: [String] = []

    /// The options as the planner takes them.
    var options: PlanOptions {
        var options = PlanOptions()
        options.targets = targets
        options.from = from
        options.until = until
        options.only = only
        options.force = force
        return options
    }
}
