internal import Diagnostics
internal import Foundation

/// A process that does its share of the stages that process 0 shares, and nothing else.
///
/// It plans nothing, prints nothing and publishes nothing.
public struct Follower {
    private let crew: any Crew
    private let catalog: [any Stage.Type]
    private let execution: ExecutionOptions

    /// Creates a follower.
    public init(_ crew: any Crew, catalog: [any Stage.Type], execution: ExecutionOptions) {
        self.crew = crew
        self.catalog = catalog
        self.execution = execution
    }

    /// Does share after share until process 0 says that the run is over.
    ///
    /// - Throws: a `Diagnostic` when process 0 is gone.
    public func run() throws {
        // Process 0 decides when to stop; a second signal ends this process.
        let handlers = SignalHandlers()
        defer { handlers.restore() }
        var number = 1
        while let message = try message(at: CrewTask.key(number)) {
            let share = StageShare(crew, task: number)
            crew.watch(share.endKey)
            do {
                try carryOut(try JSONDecoder().decode(CrewTask.self, from: message), share)
            } catch {
                try tell(error, share)
            }
            crew.watch(nil)
            number += 1
        }
        crew.sayGoodbye()
    }

    private func carryOut(_ task: CrewTask, _ share: StageShare) throws {
        let graph = try Graph(task.spec, catalog: catalog)
        guard let node = graph.nodes.first(where: { $0.name == task.node }) else {
            throw Diagnostic("this process knows no stage '\(task.node)': is it another version?")
        }
        // As process 0 does; where a stage asks for a device of some kind, this process has one of its own.
        var adapted = execution.adapted(to: node.resources)
        if let device = node.resources.device, execution.device.hasPrefix(device + ":") {
            adapted.device = execution.device
        }
        let setup = task.setup(of: node, adapted, share)
        for (name, inputs) in Dictionary(grouping: setup.inputs, by: \.name) {
            try node.stage.input(name).fill(inputs.map(\.location))
        }
        try Self.run(node.stage, in: StageContext(setup))
        preconditionFailure("'\(node.schema.name)' does not gather its processes: this is a Retort bug")
    }

    private static func run(_ stage: some Stage, in context: StageContext) throws {
        _ = try stage.run(in: context)
    }

    /// Tells process 0 what went wrong here, unless it is the end of the share, or something in another process.
    private func tell(_ error: any Error, _ share: StageShare) throws {
        if error is ShareEnded || crew.isPeerFailure(error) { return }
        if let diagnostic = error as? Diagnostic, diagnostic.exitCode == .stopped { throw diagnostic }
        try crew.leave(
            JSONEncoder().encode(ShareFailure(rank: crew.rank, error)), at: share.failureKey)
    }

    /// The next task; nil when there will be none.
    private func message(at key: String) throws -> Data? {
        while true {
            if let message = try crew.message(at: key) { return message }
            if try crew.message(at: type(of: crew).overKey) != nil { return nil }
            if let lost = crew.lost { throw StageShare(crew, task: 0).lostDiagnostic(lost) }
            usleep(20_000)
        }
    }
}

/// The tasks of one run, in process 0.
final class CrewTasks {
    private let crew: any Crew
    private var number = 0

    init(_ crew: any Crew) { self.crew = crew }

    /// Tells everybody about a stage; the setup then has this process's share.
    func open(_ setup: inout StageContext.Setup, of spec: PipelineSpec) throws -> StageShare {
        number += 1
        let share = StageShare(crew, task: number)
        crew.watch(share.failureKey)
        try crew.leave(JSONEncoder().encode(CrewTask(setup, of: spec)), at: CrewTask.key(number))
        setup.share = share
        return share
    }

}

extension Crew {
    private static func goodbye(_ rank: Int) -> String { "goodbye/\(rank)" }

    /// In process 0: tells everybody that there is nothing more to do, and waits until they have heard it.
    public func dismiss(within seconds: Double) {
        guard rank == 0, (try? leave(Data("over".utf8), at: Self.overKey)) != nil else { return }
        let end = monotonicSeconds() + seconds
        for other in 1..<max(1, size) {
            while lost == nil, monotonicSeconds() < end, (try? message(at: Self.goodbye(other))) == .some(nil)
            {
                usleep(20_000)
            }
        }
    }

    /// In the others: says that it was heard.
    public func sayGoodbye() { try? leave(Data("goodbye".utf8), at: Self.goodbye(rank)) }
}
