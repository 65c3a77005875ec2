public import Foundation

/// Everything a curation says, in the formats of the transfer set's files.
public struct CurationResult: Hashable, Sendable {
    /// The chosen images by row.
    public var selections: [Selection]
    /// `transfer-set.jsonl`.
    public var transferSet: [TransferSetRow]
    /// `funnel.json`.
    public var funnel: [FunnelStep]
    /// `dropped.jsonl`.
    public var dropped: [DroppedRow]
    /// `queries.jsonl`.
    public var queries: [QueryRow]
    /// `similarity.json`.
    public var similarity: SimilarityHistograms
    /// `balance.json`.
    public var balance: Balance
    /// `leakage.json`.
    public var leakage: LeakageReport
    /// `classes.txt`.
    public var classes: [String]
    /// What a reader should know about the choice.
    public var notes: [String]

    /// The figures for `artifact.json`, by dotted name.
    public var counts: [String: Int] {
        var counts = leakage.counts
        counts["selected"] = transferSet.count
        for step in funnel { counts["funnel.\(step.step.rawValue)"] = step.kept }
        return counts
    }

    /// Writes all files into a folder; the same result gives the same bytes.
    public func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func write(_ name: String, _ lines: [Data]) throws {
            let data = lines.reduce(into: Data()) { $0 += $1 + [UInt8(ascii: "\n")] }
            try data.write(to: directory.appending(path: name), options: .atomic)
        }
        try write("transfer-set.jsonl", transferSet.map(encoder.encode))
        try write("dropped.jsonl", dropped.map(encoder.encode))
        try write("queries.jsonl", queries.map(encoder.encode))
        try write("funnel.json", [encoder.encode(funnel)])
        try write("similarity.json", [encoder.encode(similarity)])
        try write("balance.json", [encoder.encode(balance)])
        try write("leakage.json", [encoder.encode(leakage)])
        try write("classes.txt", classes.map { Data($0.utf8) })
    }
}
