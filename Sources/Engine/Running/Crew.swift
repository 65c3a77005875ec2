internal import Diagnostics
public import Foundation

/// The processes that execute a run together, each of them the same program.
///
/// Process 0 leads: it plans, locks, prints and publishes. The others follow: they wait for its tasks and do their share
/// of a stage. What they say to each other are messages at keys, which stay where they are.
public protocol Crew: Sendable {
    /// This process's number, from zero.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }
    /// Leaves a message at a key.
    func leave(_ message: Data, at key: String) throws
    /// The message at a key; nil where there is none yet.
    func message(at key: String) throws -> Data?
    /// Has a key looked at regularly, in place of the one before: ``isCalled`` tells whether a message is there.
    func watch(_ key: String?)
    /// Whether there is a message at the watched key, as far as is known.
    var isCalled: Bool { get }
    /// A process that is gone, as far as is known.
    var lost: Int? { get }
    /// Whether an error says only that another process could not be reached.
    func isPeerFailure(_ error: any Error) -> Bool
    /// How a run that lost a process is gone on with.
    var hint: String { get }
}

extension Crew {
    /// Where process 0 says that there will be no more tasks.
    public static var overKey: String { "over" }
}

/// How a stage's work is shared by the processes of a crew.
public enum WorkSharing: Hashable, Sendable {
    /// It is not: process 0 does it.
    case alone
    /// Everybody makes whole parts of the result: its bytes are those that one process makes.
    case parts
    /// Numbers are summed over processes, in an order that depends on how many they are: their number is part of the
    /// numerics, and so of the key.
    case sums
}

/// Thrown in a process that follows, when process 0 needs nothing more of it for the stage.
struct ShareEnded: Error {}

/// One process's part in the execution of a stage by a crew.
public struct StageShare: Sendable {
    /// The processes.
    public let crew: any Crew
    /// The number of the task among those of the run: the same in all processes.
    public let number: Int
    /// Where the jobs of a cluster divide the parts, those of this one.
    private let part: JobPart?

    /// Creates a share.
    public init(_ crew: any Crew, task number: Int) { self.init(crew, task: number, part: nil) }

    init(_ crew: any Crew, task number: Int, part: JobPart?) {
        self.crew = crew
        self.number = number
        self.part = part
    }

    /// This process's number, from zero.
    public var rank: Int { crew.rank }
    /// The number of processes.
    public var size: Int { crew.size }
    /// Whether this process is the one that plans, prints and publishes.
    public var isLeader: Bool { crew.rank == 0 }

    /// Whether it is one of several jobs that make parts before a last one puts them together.
    var isPart: Bool { part != nil }

    /// Those of some numbered parts that this process makes.
    public func parts(of count: Int) -> StrideTo<Int> {
        stride(from: part?.index ?? rank, to: count, by: part?.count ?? size)
    }

    var endKey: String { "ended/\(number)" }
    var failureKey: String { "failed/\(number)" }
    private func key(of rank: Int) -> String { "done/\(number)/\(rank)" }

    /// Throws when a process is gone or has failed, or when there is nothing left to do for this one.
    public func check() throws {
        if let lost = crew.lost { throw lostDiagnostic(lost) }
        guard crew.isCalled else { return }
        guard isLeader else { throw ShareEnded() }
        guard let message = try crew.message(at: failureKey) else { return }
        throw try JSONDecoder().decode(ShareFailure.self, from: message).diagnostic(of: size)
    }

    func lostDiagnostic(_ rank: Int) -> Diagnostic {
        Diagnostic(
            "process \(rank) of \(size) was lost", hint: "finished work is kept; \(crew.hint)",
            exitCode: .stopped)
    }

    /// Says that this process's share is done, and here it ends for all but process 0, which waits for them.
    ///
    /// - Returns: the sums of everybody's values.
    func gather(_ values: [Double], whileWaiting: () throws -> Void) throws -> [Double] {
        guard isLeader else {
            try crew.leave(CanonicalJSON.data(values), at: key(of: rank))
            throw ShareEnded()
        }
        var sums = values
        for other in 1..<max(1, size) {
            while true {
                if let message = try crew.message(at: key(of: other)) {
                    let theirs = try CanonicalJSON.value([Double].self, from: message)
                    sums = zip(sums, theirs).map { $0 + $1 }
                    break
                }
                try check()
                try whileWaiting()
                usleep(20_000)
            }
        }
        return sums
    }

    /// What is behind an error in process 0, where another process is: its death is noticed a little later than the
    /// end of its connections.
    func cause(of error: any Error, within seconds: Double = 45) -> any Error {
        guard crew.isPeerFailure(error) else { return error }
        let end = monotonicSeconds() + seconds
        while monotonicSeconds() < end {
            do { try check() } catch let cause { return cause }
            usleep(50_000)
        }
        return Diagnostic(
            "another of \(size) processes cannot be reached: \(error)",
            hint: "finished work is kept; \(crew.hint)", exitCode: .stopped)
    }

    /// Lets the others go, whatever they are at.
    func end() {
        // Where that is impossible, they notice that this process is gone.
        try? crew.leave(Data("ended".utf8), at: endKey)
        crew.watch(nil)
    }
}

/// What kept a process that follows from doing its share.
struct ShareFailure: Codable {
    var rank: Int
    var message: String
    var hint: String?
    var exit: Int32

    init(rank: Int, _ error: any Error) {
        self.rank = rank
        let diagnostic = Diagnostic.first(of: error)
        message = diagnostic?.message ?? "\(error)"
        hint = diagnostic?.hint
        exit = (diagnostic?.exitCode ?? .stageFailed).rawValue
    }

    func diagnostic(of size: Int) -> Diagnostic {
        Diagnostic(
            "process \(rank) of \(size) failed: \(message)", hint: hint,
            exitCode: ExitCode(rawValue: exit) ?? .stageFailed)
    }
}

/// What process 0 tells the others about a stage, or that there is nothing more to do.
struct CrewTask: Codable {
    /// A stage's input.
    struct Input: Codable {
        var name: String
        var folder: String
        var selector: String?
        var node: String
    }

    var spec: PipelineSpec
    var node: String
    var output: String
    var state: String
    var store: String
    var inputs: [Input]

    static func key(_ number: Int) -> String { "task/\(number)" }

    init(_ setup: StageContext.Setup, of spec: PipelineSpec) {
        self.spec = spec
        node = setup.node
        output = setup.output.path
        state = setup.state.path
        store = setup.store.path
        inputs = setup.inputs.map {
            Input(
                name: $0.name, folder: $0.location.directory.path, selector: $0.location.selector,
                node: $0.location.node)
        }
    }

    /// The setup, with the folders as this process sees them.
    func setup(of node: Graph.Node, _ execution: ExecutionOptions, _ share: StageShare) -> StageContext.Setup
    {
        func folder(_ path: String) -> URL { URL(filePath: path, directoryHint: .isDirectory) }
        var setup = StageContext.Setup(
            node: node.name, output: folder(output), state: folder(state), store: folder(store),
            directory: spec.directory, execution: execution)
        setup.matrix = node.matrix
        setup.locations = node.locations
        setup.share = share
        setup.inputs = inputs.map {
            StageInput(
                $0.name,
                at: ArtifactLocation(
                    directory: folder($0.folder), selector: $0.selector, node: $0.node, store: folder(store)))
        }
        return setup
    }
}
