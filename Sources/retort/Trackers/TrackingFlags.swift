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
    func sink(_ display: any ProgressDisplay, for spec: PipelineSpec) throws -> any EventSink {
        var sinks: [any EventSink] = [display]
        if let tensorboard {
            let folder = URL(filePath: tensorboard, directoryHint: .isDirectory)
            sinks.append(TensorBoardSink(folder, display: display))
        }
        if let mlflow { sinks.append(MLflowSink(try MLflowClient(mlflow), of: spec, display: display)) }
        return sinks.count == 1 ? display : EventFan(sinks: sinks)
    }
}
