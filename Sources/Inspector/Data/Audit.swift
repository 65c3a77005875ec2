import Diagnostics
import Foundation
import Report
import Synchronization

/// A person's answer to "is this image right for its query?".
enum AuditAnswer: String, Codable, Hashable, Sendable, CaseIterable {
    case yes, no, unsure
    /// Takes the answer back.
    case none
}

/// A line of `audit/<stage>.jsonl`.
struct AuditEntry: Codable, Hashable, Sendable {
    var id: String
    var answer: AuditAnswer
    /// ISO 8601 in UTC.
    var time: String
    var by: String
    /// The sample's seed.
    var seed: Int
}

/// The images of a set in an order of which every beginning is a stratified random sample.
///
/// Strata are ten groups of equal size by similarity, because precision changes with it; an image's place in its
/// group is random, and the groups take turns in proportion, so that who stops early has a fair sample too.
struct AuditSample: Sendable {
    static let strata = 10
    /// The rows, in the order in which they are to be judged.
    let rows: [Int]
    /// The stratum of each, from 0, the least similar.
    let stratum: [Int]

    init(_ set: InspectedSet, order: [UInt32], seed: Int, limit: Int = 2_000) {
        var placed: [(place: Double, row: Int, stratum: Int)] = []
        for stratum in 0..<Self.strata {
            let range = order.count * stratum / Self.strata..<order.count * (stratum + 1) / Self.strata
            guard !range.isEmpty else { continue }
            var keyed = range.map { (Self.mixed(set.table.ids[Int(order[$0])], seed), order[$0]) }
            keyed.sort { $0 < $1 }
            for (number, (key, row)) in keyed.prefix(limit).enumerated() {
                let jitter = Double(key >> 11) / Double(1 << 53)
                placed.append(((Double(number) + jitter) / Double(keyed.count), Int(row), stratum))
            }
        }
        placed.sort { ($0.place, $0.row) < ($1.place, $1.row) }
        rows = placed.prefix(limit).map(\.row)
        stratum = placed.prefix(limit).map(\.stratum)
    }

    private static func mixed(_ id: UInt64, _ seed: Int) -> UInt64 {
        var x = id &+ UInt64(bitPattern: Int64(seed)) &* 0x9e37_79b9_7f4a_7c15
        x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
        return x ^ (x >> 31)
    }
}

/// A share of yes among yes and no, with Wilson's interval of 95 % (Wilson 1927), which holds for few answers and
/// for shares near 0 and 1, too.
struct AuditedShare: Hashable, Sendable {
    var yes = 0
    var no = 0
    var unsure = 0

    var count: Int { yes + no }
    var share: Double? { count > 0 ? Double(yes) / Double(count) : nil }

    var interval: (low: Double, high: Double)? {
        guard let share else { return nil }
        let (n, z) = (Double(count), 1.959_963_984_540_054)
        let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        return (max(0, centre - half), min(1, centre + half))
    }

    mutating func add(_ answer: AuditAnswer) {
        switch answer {
        case .yes: yes += 1
        case .no: no += 1
        case .unsure: unsure += 1
        case .none: break
        }
    }
}

/// The answers of an audit: `audit/<stage>.jsonl`, append-only, the last line of an image counts.
final class AuditFile: Sendable {
    let url: URL
    private let user: String
    private let state = Mutex(State())

    private struct State {
        var length = 0
        /// The image and the answer of each line, in order.
        var answers: [AuditEntry] = []
    }

    init(_ url: URL, user: String = ProcessInfo.processInfo.userName) {
        self.url = url
        self.user = user
    }

    /// What holds for each image of a sample's seed, and the image that was answered last.
    func answers(seed: Int) throws -> (byID: [String: AuditAnswer], last: String?) {
        try state.withLock { state in
            let data = FileManager.default.contents(atPath: url.path) ?? Data()
            if data.count != state.length {
                state = State(length: data.count, answers: try Self.read(data, url))
            }
            var byID: [String: AuditAnswer] = [:]
            var sequence: [String] = []
            for entry in state.answers where entry.seed == seed {
                sequence.removeAll { $0 == entry.id }
                byID[entry.id] = entry.answer == .none ? nil : entry.answer
                if entry.answer != .none { sequence.append(entry.id) }
            }
            return (byID, sequence.last)
        }
    }

    func add(_ answer: AuditAnswer, of id: String, seed: Int) throws {
        try AppendedLines(url).append([
            AuditEntry(id: id, answer: answer, time: Date().formatted(.iso8601), by: user, seed: seed)
        ])
    }

    private static func read(_ data: Data, _ url: URL) throws -> [AuditEntry] {
        let decoder = JSONDecoder()
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().compactMap { number, line in
            do {
                return try decoder.decode(AuditEntry.self, from: line)
            } catch {
                // What a crash left of a line.
                if line.first == UInt8(ascii: "{"), line.last != UInt8(ascii: "}") { return nil }
                throw Diagnostic(
                    "this line is not an answer of an audit", at: SourceLocation(url.path, number + 1, 1),
                    hint: "remove it or mend it", exitCode: .badData)
            }
        }
    }
}
