public import Engine
public import Foundation

extension StageContext {
    /// A context in a temporary folder, for a stage that is run without an engine.
    ///
    /// `store` is where the artifacts of `inputs` lie.
    public static func temporary(
        in folder: TemporaryFolder, node: String = "stage", store: URL? = nil, inputs: [StageInput] = [],
        execution: ExecutionOptions = ExecutionOptions(threads: 1, workers: 1),
        stop: StopRequest = StopRequest(),
        report: @escaping (StageEvent) throws -> Void = { _ in }
    ) throws -> StageContext {
        let work = folder.appending("work-\(node)")
        var setup = StageContext.Setup(
            node: node, output: work.appending(path: "output", directoryHint: .isDirectory),
            state: work.appending(path: "state", directoryHint: .isDirectory),
            store: store ?? folder.appending("store"), directory: folder.url, execution: execution)
        setup.inputs = inputs
        for place in [setup.output, setup.state, setup.store] {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        }
        return StageContext(setup, stop: stop, report: report)
    }
}
