import Diagnostics
import Engine
import Foundation
import Search
import Stages

/// Says what the curations of a run made of an image, and which stages read it.
struct ImageExplanation {
    /// The answer for programs: one curation's.
    struct Answer: Encodable {
        var run: String
        var trace: ImageTrace
        /// The nodes of the run that read the transfer set, when the image is in it.
        var usedBy: [String]

        enum CodingKeys: String, CodingKey {
            case run, trace
            case usedBy = "used_by"
        }
    }

    let answers: [Answer]

    /// Looks through all curations of a run: the newest that has one, or the one that is named.
    init(of word: String, run: String?, in store: Store) throws {
        let history = RunHistory(store)
        let newest = try history.identifier(matching: run)
        let candidates = run == nil ? history.identifiers() : [newest]
        for id in candidates {
            // Of a run that cannot be read, the others' stages are none the worse.
            guard run != nil || history.unreadableFile(of: id) == nil else { continue }
            let records = try history.summary(of: id).stages.compactMap { stage in
                try history.artifact(of: stage.name, run: id).map {
                    (folder: $0, record: try ArtifactRecord.read(at: $0))
                }
            }
            let curations = records.filter { $0.record.kind == TransferSet.kind }
            if curations.isEmpty { continue }
            answers = try curations.flatMap { curation in
                let readers = records.filter { reader in
                    reader.record.inputs.contains { $0.key == curation.record.key }
                }.map(\.record.node)
                return try ImageTracer(curation: curation.folder).traces(of: word).map { trace in
                    Answer(run: id, trace: trace, usedBy: trace.outcome == .chosen ? readers.sorted() : [])
                }
            }
            return
        }
        throw Diagnostic(
            "no curation is recorded in \(run == nil ? "any run" : "the run \(newest)")",
            hint: "run a pipeline with a curate stage first", exitCode: .inputMissing)
    }

    /// The answers in words.
    func lines(_ style: TextStyle) -> [String] {
        var lines: [String] = []
        var last: String?
        for answer in answers {
            let trace = answer.trace
            if last != trace.source { lines.append("\(style.bold(trace.source))  \(style.dim(trace.id))") }
            last = trace.source
            lines.append("  \(style.bold(trace.node)): \(outcome(trace))")
            lines += details(answer).map { "    \($0)" }
        }
        return lines
    }

    private func outcome(_ trace: ImageTrace) -> String {
        switch trace.outcome {
        case .chosen: "chosen: \(trace.chosen?.reason ?? "")"
        case .dropped:
            "ruled out at '\(trace.dropped?.step.rawValue ?? "")': \(trace.dropped?.reason ?? "")"
                + (trace.dropped?.other.map { ", \($0)" } ?? "")
                + (trace.dropped?.similarity.map { " (\(Self.figure($0)))" } ?? "")
        case .unchosen: "not chosen: nothing ruled it out, and others came before it"
        case .query: "a query"
        case .outside: "not in the pool"
        }
    }

    private func details(_ answer: Answer) -> [String] {
        let trace = answer.trace
        var lines: [String] = []
        if let chosen = trace.chosen, let query = chosen.query {
            let of = chosen.queryClass.map { " (\($0))" } ?? ""
            let similarity = chosen.similarity.map { ", similarity \(Self.figure($0))" } ?? ""
            lines.append("for query \(query.prefix(12))\(of), rank \(chosen.rank)\(similarity)")
        }
        for place in trace.queries {
            let of = place.className.map { " (\($0))" } ?? ""
            lines.append(
                "near \(place.source)\(of): similarity \(Self.figure(place.similarity)), rank \(place.rank)")
        }
        if !trace.duplicates.isEmpty {
            lines.append("duplicates: \(trace.duplicates.prefix(8).joined(separator: ", "))")
        }
        if let hit = trace.leakage {
            let decision = hit.decision.map { ", decided: \($0.rawValue)" } ?? ""
            lines.append(
                "leakage: \(hit.tier.rawValue), \(hit.other) of \(hit.split) (\(Self.figure(hit.similarity)))\(decision)"
            )
        }
        if let mark = trace.mark { lines.append("mark: \(mark.rawValue)") }
        if !answer.usedBy.isEmpty { lines.append("read by \(answer.usedBy.joined(separator: ", "))") }
        return lines
    }

    private static func figure(_ value: Float) -> String { String(format: "%.4f", value) }
}
