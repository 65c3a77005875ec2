internal import Diagnostics
internal import Foundation

/// The time that a cluster gives a job, and when the job is told that it is nearly up.
struct JobTime {
    /// What is usually enough to finish a step and save.
    private static let usualNotice = 120
    /// The cluster may tell a job so much earlier than it was asked to.
    private static let imprecision = 60
    /// The seconds that may pass between a job's beginning and that of its stage.
    private static let start = 30
    /// A job without a time of its own that lasted less was not told because of its time.
    private static let leastUnknown = 300.0

    /// What the stage asked for, in seconds; nil where the cluster decides.
    private let wanted: Int?

    init(_ resources: StageResources) { wanted = resources.time }

    /// The minutes after which the cluster ends the job: it does not count less.
    var minutes: Int? { wanted.map { ($0 + 59) / 60 } }

    /// How many seconds before its end the job is told.
    var notice: Int { minutes.map { min(Self.usualNotice, $0 * 60 / 4) } ?? Self.usualNotice }

    /// Why the work may not be saved in time; nil where it will be.
    var warning: StageEvent? {
        guard let wanted, let minutes, minutes < 4 else { return nil }
        return .warning(
            message: "with 'time: \(wanted)s' its work may not be saved before its time is up",
            hint: "Slurm tells a job up to a minute earlier than it is asked to: give it 4min or more")
    }

    /// Whether a job that was told after so many seconds has had its time: it may have been pushed aside instead.
    func isUp(after seconds: Double) -> Bool {
        guard let minutes else { return seconds >= Self.leastUnknown }
        return seconds >= Double(minutes * 60 - notice - Self.imprecision - Self.start)
    }
}

/// How far unfinished work has come, as its files tell.
struct WorkMark {
    private var step = 0
    private var total = 0
    /// The size and the time stamp of every file.
    private var files: [String: [Double]] = [:]

    /// Looks at the work at a key.
    ///
    /// - Parameter countsOutput: whether the files of the result tell, too: those of a stage that is not made in
    ///   parts may be what a command writes anew each time.
    init(_ store: Store, _ key: String, countsOutput: Bool) {
        if let progress = store.progress(of: key) { (step, total) = (progress.step, progress.total) }
        add(store.workPath(key) + "/state")
        if countsOutput { add(store.outputPath(key)) }
    }

    private mutating func add(_ folder: String) {
        let entries = FileManager.default.enumerator(atPath: folder)
        while let path = entries?.nextObject() as? String {
            var status = stat()
            guard lstat("\(folder)/\(path)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            let time = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
            files["\(folder)/\(path)"] = [Double(status.st_size), time]
        }
    }

    /// Whether something was done since another look.
    func isBeyond(_ earlier: WorkMark) -> Bool {
        step > earlier.step || total != earlier.total || files != earlier.files
    }
}
