import Diagnostics
import Foundation
import Report

/// `dropped.jsonl`, which may be as long as the pool: where each row is, its step, and the hash of its id.
struct DroppedTable: Sendable {
    private let file: MappedFile?
    private var offsets: [UInt64] = []
    private var stepOf: [UInt8] = []
    private var reasonOf: [UInt16] = []
    private var order: [(id: UInt64, row: UInt32)] = []
    /// The steps that dropped something, in the order in which they first occur.
    private(set) var steps: [String] = []
    /// The reasons of each step and how many images each dropped; those after the first few hundred share the last.
    private(set) var reasons: [(step: String, reason: String, count: Int)] = []

    var count: Int { offsets.count }

    /// Reads the file; a set without one dropped nothing that is known.
    init(_ folder: URL) throws {
        file = try MappedFile(folder.appending(path: "dropped.jsonl"))
        guard let file else { return }
        var scanner = RowScanner(file.bytes, 0..<file.bytes.count)
        var known: [String: Int] = [:]
        while scanner.peek() != 0 {
            let offset = scanner.position
            do throws(RowScanner.Malformed) {
                try read(&scanner, at: offset, &known)
            } catch {
                throw file.damage(at: offset, "it is not valid JSON")
            }
        }
        order.sort { ($0.id, $0.row) < ($1.id, $1.row) }
        file.release()
    }

    private mutating func read(_ scanner: inout RowScanner, at offset: Int, _ known: inout [String: Int])
        throws(RowScanner.Malformed)
    {
        var (id, step, reason) = (UInt64(0), "", "")
        try scanner.expect(UInt8(ascii: "{"))
        var isFirst = true
        while let key = try scanner.key(isFirst: &isFirst) {
            if scanner.holds(key, "id") {
                id = scanner.hash(try scanner.string())
            } else if scanner.holds(key, "step") {
                step = scanner.text(try scanner.string())
            } else if scanner.holds(key, "reason") {
                reason = scanner.text(try scanner.string())
            } else {
                try scanner.skipValue()
            }
        }
        let name = "\(step)\n\(reason)"
        let number = known[name] ?? (reasons.count < 512 ? reasons.count : 511)
        if number == reasons.count {
            known[name] = number
            reasons.append((step, reason, 0))
        }
        if !steps.contains(step) { steps.append(step) }
        reasons[number].count += 1
        order.append((id, UInt32(offsets.count)))
        offsets.append(UInt64(offset))
        reasonOf.append(UInt16(number))
        stepOf.append(UInt8(clamping: steps.firstIndex(of: step) ?? 0))
    }

    /// The rows of a step, or of one of its reasons.
    func rows(step: String?, reason: String? = nil) -> [Int] {
        guard step != nil || reason != nil else { return Array(0..<count) }
        let wanted = step.flatMap { name in steps.firstIndex { $0 == name } }
        if step != nil, wanted == nil { return [] }
        return (0..<count).filter { row in
            (wanted == nil || Int(stepOf[row]) == wanted)
                && (reason == nil || reasons[Int(reasonOf[row])].reason == reason)
        }
    }

    /// A row as the file has it.
    func image(_ row: Int) throws -> DroppedImage {
        guard let file else { preconditionFailure("a dropped image without a file: this is a bug in Retort") }
        do {
            return try JSONDecoder().decode(
                DroppedImage.self, from: Data(file.line(at: Int(offsets[row]))))
        } catch {
            throw file.damage(at: Int(offsets[row]), "it does not say what was dropped, and why")
        }
    }

    /// What is said of an image; empty when it was not dropped.
    func images(of id: String) throws -> [DroppedImage] {
        let hash = TextHash.hash(id)
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if order[middle].id < hash { low = middle + 1 } else { high = middle }
        }
        return try order[low...].prefix { $0.id == hash }.map { try image(Int($0.row)) }.filter {
            $0.id == id
        }
    }
}
