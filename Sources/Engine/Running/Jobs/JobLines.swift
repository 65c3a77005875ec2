internal import Diagnostics
internal import Foundation

/// One line of `jobs/<node>.jsonl`, by which the process of a job tells what happens in it.
struct JobLine: Codable {
    /// How the process leaves its stage.
    struct Outcome: Codable {
        var state: StageResult.State
        /// The key of the artifact that was made or found.
        var key: String?
        var seconds: Double
        var message: String?
        /// The exit code of a run that fails because of it.
        var exit: Int32
        /// How often the cluster had begun the job again by then.
        var restarts: Int?
    }

    /// What happened.
    var entry: JournalEntry?
    /// The fraction at which a stage that begins goes on.
    var resumedFrom: Double?
    /// The last line.
    var outcome: Outcome?

    init(_ event: RunEvent) {
        entry = JournalEntry(event)
        if case .stageStarted(_, let fraction) = event { resumedFrom = fraction }
    }

    init(_ outcome: Outcome) { self.outcome = outcome }

    /// The event that the line tells of.
    func event(of node: String) -> RunEvent? {
        guard let entry else { return nil }
        let message = entry.message ?? ""
        switch entry.event {
        case "stage-started": return .stageStarted(node: node, resumedFrom: resumedFrom)
        case "progress":
            return .stage(
                node: node,
                .progress(step: entry.step ?? 0, total: entry.total ?? 0, metrics: entry.metrics ?? []))
        case "metric":
            guard let metric = entry.metrics?.first else { return nil }
            return .stage(node: node, .metric(step: entry.step ?? 0, metric))
        case "warning": return .stage(node: node, .warning(message: message, hint: entry.hint))
        case "log": return .stage(node: node, .log(message: message))
        case "note": return .note(message)
        default: return nil
        }
    }
}

/// Reads a file of job lines while another process appends to it.
///
/// The file is opened anew for every look: over a network file system, what others have written is seen from then on.
final class JobTail {
    private let path: String
    /// The seconds between two looks, where each may be a question over the network.
    private let interval: Double
    private var lastLook = -Double.infinity
    private var offset: off_t = 0

    init(_ file: URL, interval: Double = 0) {
        path = file.path
        self.interval = interval
    }

    /// The lines that were added since the last time; what is not a line of this version's is passed over.
    ///
    /// - Parameter isLast: whether nothing will be written any more: then it looks, however soon after the last time.
    func read(isLast: Bool = false) -> [JobLine] {
        let now = monotonicSeconds()
        guard isLast || now - lastLook >= interval else { return [] }
        lastLook = now
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var added = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, offset + off_t(added.count))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            added.append(contentsOf: buffer[..<count])
        }
        // A line without an end is still being written.
        guard let end = added.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        offset += off_t(end + 1)
        let decoder = CanonicalJSON.decoder()
        return added[..<end].split(separator: UInt8(ascii: "\n")).compactMap {
            try? decoder.decode(JobLine.self, from: $0)
        }
    }
}
