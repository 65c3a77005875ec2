internal import Diagnostics

/// What a stage needs of a machine, from `resources:` in the pipeline file; nothing here enters a key.
public struct StageResources: Codable, Hashable, Sendable {
    /// The bytes of memory it may take.
    public var memory: Int?
    /// The device it computes on, whatever the run's is: `cpu`, `cuda:0`.
    public var device: String?
    /// The threads of one tensor operation.
    public var threads: Int?
    /// The graphics processors of a cluster's job.
    public var gpus: Int?
    /// The processors of a cluster's job.
    public var cpus: Int?
    /// The seconds a cluster's job may take.
    public var time: Int?
    /// The cluster's partition.
    public var partition: String?
    /// The jobs of a cluster that make the parts of its result before one puts them together.
    public var jobs: Int?

    /// The words that may stand in `resources:`.
    public static let keys = ["memory", "device", "threads", "gpus", "cpus", "time", "partition", "jobs"]

    /// Needs nothing in particular.
    public init() {}

    /// Reads `{memory: 4GiB, device: cuda:0, threads: 2}`, reporting every problem with it.
    init(_ value: PipelineValue, problems: inout Problems) {
        if value.isNull { return }
        guard case .map(let entries) = value.content else {
            problems.report(
                Diagnostic(
                    "'resources' must be a map, not \(value.phrase)", at: value.location,
                    hint: "write 'resources: {memory: 4GiB, threads: 2}'"))
            return
        }
        for entry in entries {
            do {
                try read(entry)
            } catch {
                problems.report(error)
            }
        }
    }

    private mutating func read(_ entry: PipelineEntry) throws(Diagnostic) {
        switch entry.key {
        case "memory":
            guard let bytes = entry.value.scalar.flatMap(Quantity.bytes), bytes > 0 else {
                throw wrong(entry, "is no size of memory", "write 4GiB or 500MB")
            }
            guard bytes <= 1 << 50 else {
                throw wrong(entry, "is more memory than any machine has", "write 4GiB or 500MB")
            }
            memory = bytes
        case "device":
            guard let text = entry.value.scalar, Self.isDevice(text) else {
                throw wrong(entry, "is no device", "write cpu or cuda:0")
            }
            device = text
        case "time":
            guard let seconds = entry.value.scalar.flatMap(Quantity.seconds), seconds > 0,
                let whole = Int(exactly: seconds.rounded(.up))
            else { throw wrong(entry, "is no length of time", "write 90s, 30min, 12h or 2d") }
            guard whole <= 3_650 * 86_400 else {
                throw wrong(entry, "is longer than any job may take", "write 90s, 30min, 12h or 2d")
            }
            time = whole
        case "partition": partition = try String(entry.value)
        case "threads": threads = try count(entry, 1...65_536)
        case "cpus": cpus = try count(entry, 1...65_536)
        case "gpus": gpus = try count(entry, 0...65_536)
        case "jobs": jobs = try count(entry, 1...100_000)
        default:
            throw Diagnostic(
                "unknown resource '\(entry.key)'", at: entry.keyLocation,
                hint: entry.key.didYouMean(Self.keys)
                    ?? "the resources are \(Self.keys.joined(separator: ", "))")
        }
    }

    private func count(_ entry: PipelineEntry, _ range: ClosedRange<Int>) throws(Diagnostic) -> Int {
        guard let number = try? Int(entry.value), number >= range.lowerBound else {
            throw wrong(entry, "is not a whole number from \(range.lowerBound)", nil)
        }
        guard number <= range.upperBound else {
            throw wrong(entry, "is more than \(range.upperBound)", nil)
        }
        return number
    }

    private func wrong(_ entry: PipelineEntry, _ what: String, _ hint: String?) -> Diagnostic {
        Diagnostic("\(entry.key): \(entry.value.phrase) \(what)", at: entry.value.location, hint: hint)
    }

    static func isDevice(_ text: String) -> Bool {
        text == "cpu"
            || text.hasPrefix("cuda:") && Int(text.dropFirst(5)).map { (0..<128).contains($0) } ?? false
    }
}

/// What a node of the pipeline file says about how it is executed, apart from its stage's own inputs and settings.
struct NodeTerms: Hashable, Sendable {
    /// The words that every node knows.
    static let keys = ["resources", "ephemeral"]

    var resources = StageResources()
    /// Whether the artifact may go once everything that reads it is made.
    var isEphemeral = false

    init() {}

    /// Reads the terms among a node's entries, reporting every problem with them.
    init(_ entries: [PipelineEntry], problems: inout Problems) {
        for entry in entries {
            switch entry.key {
            case "resources": resources = StageResources(entry.value, problems: &problems)
            case "ephemeral":
                do {
                    isEphemeral = try Bool(entry.value)
                } catch {
                    problems.report(
                        Diagnostic("ephemeral: \(error.message)", at: error.location, hint: "write true"))
                }
            default: break
            }
        }
    }
}
