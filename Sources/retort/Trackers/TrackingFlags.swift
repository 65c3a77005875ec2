import ArgumentParser
import Engine
import Foundation

/// The options that send a run's numbers elsewhere as well.
struct TrackingFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("Write TensorBoard event files below this folder, too.", valueName: "folder"),
        completion: .directory)
    var tensorboard: String?

    @Option(
        help: ArgumentHelp("Tell this MLflow server the run's settings and numbers, too.", valueName: "url"))
    var mlflow: String?

    /// The display, and with it the trackers that were asked for.
    func sink(_ display: any EventSink, for spec: PipelineSpec, _ console: Console) throws -> any EventSink {
        var sinks = [display]
        if let tensorboard {
            let folder = URL(filePath: tensorboard, directoryHint: .isDirectory)
            sinks.append(TensorBoardSink(folder, console: console))
        }
        if let mlflow { sinks.append(MLflowSink(try MLflowClient(mlflow), of: spec, console: console)) }
        return sinks.count == 1 ? display : EventFan(sinks: sinks)
    }
}
