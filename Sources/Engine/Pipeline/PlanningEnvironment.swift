public import Diagnostics
public import Foundation

/// What a stage may look at while the pipeline is planned.
public struct PlanningEnvironment: Sendable {
    /// The folder against which relative paths are resolved.
    public let directory: URL
    /// The digests of files outside the store.
    public let digests: DigestCache
    private let locations: [String: SourceLocation]

    /// Creates an environment; `locations` says where each setting of the stage stands.
    public init(directory: URL, digests: DigestCache, locations: [String: SourceLocation] = [:]) {
        self.directory = directory
        self.digests = digests
        self.locations = locations
    }

    /// The place a path in a setting means: itself when absolute, else below `directory`; `~` is the home folder.
    public func resolve(_ path: String) -> URL {
        let path = (path as NSString).expandingTildeInPath
        return URL(filePath: path, relativeTo: directory).standardizedFileURL
    }

    /// Where a setting (by its name in the pipeline file) was given its value, for messages about the value.
    public func location(of setting: String) -> SourceLocation? { locations[setting] }
}

/// How the stages are to be executed; nothing here changes a result, so nothing here enters a key.
public struct ExecutionOptions: Codable, Hashable, Sendable {
    /// The device to compute on: `cpu`, `cuda:0`.
    public var device: String
    /// The threads of one tensor operation.
    public var threads: Int
    /// The threads that load and decode.
    public var workers: Int
    /// What else the last bits of a result may depend on, noted so that it can be compared: `libtorch` → `2.13.0`.
    public var numerics: [String: String] = [:]

    /// All that the last bits of a result may depend on besides its key.
    var facts: [String: String] {
        numerics.merging([
            "device": device, "threads": String(threads), "retort": ProductVersion.current,
        ]) { $1 }
    }

    /// Creates options; by default everything runs on all processors.
    public init(
        device: String = "cpu", threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        workers: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        self.device = device
        self.threads = threads
        self.workers = workers
    }

    /// The options for a stage that asks for a device or a number of threads of its own.
    func adapted(to resources: StageResources) -> ExecutionOptions {
        var options = self
        options.device = resources.device ?? device
        options.threads = resources.threads ?? threads
        return options
    }
}
