import Diagnostics
import Engine
import Foundation

/// Values that one or several keys take in turn: `transfer.epochs=1,2,4`.
struct Sweep {
    /// One combination.
    struct Point {
        var values: [(key: String, value: String)]
        /// As `-s` takes them.
        var overrides: [String] { values.map { "\($0.key)=\($0.value)" } }

        /// The command line of a sweep as that of this combination alone.
        func command(_ words: [String]) -> [String] {
            var kept: [String] = []
            var rest = words[...]
            while let word = rest.popFirst() {
                if word == "--sweep" {
                    _ = rest.popFirst()
                } else if !word.hasPrefix("--sweep=") {
                    kept.append(word)
                }
            }
            return kept + overrides.flatMap { ["-s", $0] }
        }
    }

    /// What would be done at one combination.
    struct PlannedPoint: Encodable {
        var values: [String: String]
        var plan: Plan

        init(_ point: Point, _ plan: Plan) {
            values = Dictionary(point.values.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
            self.plan = plan
        }
    }

    private var axes: [(key: String, values: [String])] = []

    init(_ texts: [String]) throws(Diagnostic) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let values = parts.count == 2 ? Self.values(parts[1]) : []
            guard !values.isEmpty else {
                throw Diagnostic(
                    "--sweep: '\(text)' gives no values", hint: "write --sweep stage.setting=a,b,c",
                    exitCode: .usage)
            }
            guard !axes.contains(where: { $0.key == parts[0] }), Set(values).count == values.count else {
                throw Diagnostic("--sweep: '\(text)' repeats a key or a value", exitCode: .usage)
            }
            axes.append((parts[0], values))
        }
    }

    /// Every combination, the last key fastest.
    var points: [Point] {
        axes.reduce([Point(values: [])]) { points, axis in
            points.flatMap { point in
                axis.values.map { Point(values: point.values + [(axis.key, $0)]) }
            }
        }
    }

    /// The values between the commas that stand in no bracket.
    private static func values(_ text: String) -> [String] {
        var values = [""]
        var depth = 0
        for character in text {
            if "[{".contains(character) { depth += 1 }
            if "]}".contains(character) { depth -= 1 }
            if character == ",", depth == 0 {
                values.append("")
            } else {
                values[values.count - 1].append(character)
            }
        }
        return values.filter { !$0.isEmpty }
    }
}

/// The runs of a sweep, and by which figure each is remembered.
struct SweepTable: Encodable {
    private struct Row: Encodable {
        var values: [String: String]
        var run: String
        var ok: Bool
        var exit: Int32
        var seconds: Double
        /// What the last stages came to, by stage.
        var figures: [String: String]
    }

    private var sweep: [Row] = []
    private var keys: [String] = []
    private var stages: [String] = []

    private enum CodingKeys: String, CodingKey { case sweep }

    /// The exit code of the first run that was not ok.
    var exitCode: Diagnostics.ExitCode {
        sweep.first { !$0.ok }.flatMap { ExitCode(rawValue: $0.exit) } ?? .ok
    }

    mutating func add(_ point: Sweep.Point, _ result: RunResult, _ graph: Graph) {
        keys = point.values.map(\.key)
        let read = Set(graph.nodes.flatMap { $0.inputs.map(\.producer) })
        var figures: [String: String] = [:]
        for index in graph.nodes.indices where !read.contains(index) {
            let name = graph.nodes[index].name
            guard let figure = result.stages[name].flatMap(Headline.init) else { continue }
            figures[name] = figure.text
            if !stages.contains(name) { stages.append(name) }
        }
        sweep.append(
            Row(
                values: Dictionary(point.values.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }),
                run: result.run, ok: result.ok, exit: result.exit, seconds: result.seconds, figures: figures))
    }

    func lines(_ style: TextStyle) -> [String] {
        var table = TextTable()
        table.add(row: (keys + ["", "time", "run"] + stages).map { TextTable.Cell($0, style.dim) })
        for row in sweep {
            let state = row.ok ? TextTable.Cell("ok", style.green) : TextTable.Cell("failed", style.red)
            table.add(
                row: keys.map { TextTable.Cell(row.values[$0] ?? "") } + [state]
                    + [TextTable.Cell(Wording.duration(row.seconds)), TextTable.Cell(row.run, style.dim)]
                    + stages.map { TextTable.Cell(row.figures[$0] ?? "–") })
        }
        return table.lines()
    }
}
