internal import Foundation
public import Stages

/// Two or more runs side by side: what differs in their settings, and in what came of them.
///
/// The first run is the one that the others are compared with. Where two runs evaluated the same arm with the same seeds on
/// the same images, differences are taken seed by seed.
public struct RunComparison: Encodable, Sendable {
    /// One of the runs.
    public struct Run: Encodable, Sendable {
        /// The letter by which it is named.
        public var label: String
        /// Its identifier.
        public var id: String
        /// The pipeline's name.
        public var pipeline: String
        /// How it ended.
        public var outcome: String
        /// When it began, ISO 8601 in UTC.
        public var started: String
        /// How long it took.
        public var seconds: Double
        /// How long everything took to make that it used, whenever that was.
        public var workSeconds: Double

        enum CodingKeys: String, CodingKey {
            case label, id, pipeline, outcome, started, seconds
            case workSeconds = "work_seconds"
        }
    }

    /// A component of a stage's key that is not the same in all runs.
    public struct SettingRow: Encodable, Hashable, Sendable {
        /// The stage, without its seed.
        public var stage: String
        /// The component: `learning_rate`, `external images`, `input teacher`.
        public var component: String
        /// Its value in each run; nil where the run has no such stage or no such component.
        public var values: [String?]
    }

    /// How one arm did in one run.
    public struct Figure: Encodable, Hashable, Sendable {
        /// The values of the seeds, their mean, and its interval.
        public var seeds: SeedInterval
        /// The difference from the first run; nil in the first run and where there is nothing to compare with.
        public var difference: Difference?
    }

    /// By how much an arm did better or worse than in the first run.
    public struct Difference: Encodable, Hashable, Sendable {
        /// The mean difference.
        public var mean: Double
        /// Its 95 % interval; nil with fewer than two pairs.
        public var ci95: [Double]?
        /// How many seeds it was taken over, pair by pair; 0 where the runs share none, and means were compared.
        public var pairs: Int

        /// Whether the interval leaves zero out.
        public var isResolved: Bool { ci95.map { $0[0] > 0 || $0[1] < 0 } ?? false }
    }

    /// A metric of an arm in every run.
    public struct Measure: Encodable, Hashable, Sendable {
        /// The evaluation's node.
        public var evaluation: String
        /// The metric.
        public var metric: String
        /// Whether less is better.
        public var lowerIsBetter: Bool
        /// The arm.
        public var arm: String
        /// What it did in each run.
        public var figures: [Figure?]

        enum CodingKeys: String, CodingKey {
            case evaluation, metric, arm, figures
            case lowerIsBetter = "lower_is_better"
        }
    }

    /// How long a stage took in every run.
    public struct StageTime: Encodable, Hashable, Sendable {
        /// The stage, without its seed.
        public var stage: String
        /// The seconds of all its seeds; nil where it was not made.
        public var seconds: [Double?]
        /// Whether they were spent in the run itself, and not in an earlier one.
        public var isOwn: [Bool]

        enum CodingKeys: String, CodingKey {
            case stage, seconds
            case isOwn = "in_this_run"
        }
    }

    /// What the transfer sets of one stage have in common.
    public struct Overlap: Encodable, Hashable, Sendable {
        /// The stage that made them.
        public var stage: String
        /// The images of each.
        public var images: [Int?]
        /// The mean similarity of each set's images to their queries.
        public var meanSimilarity: [Double?]
        /// Images that are in all of them.
        public var common: Int
        /// The share of common images among all, for every two runs.
        public var jaccard: [[Double?]]

        enum CodingKeys: String, CodingKey {
            case stage, images, common, jaccard
            case meanSimilarity = "mean_similarity"
        }
    }

    /// The runs.
    public let runs: [Run]
    /// What was set differently.
    public let settings: [SettingRow]
    /// What differs because of that: inputs with other contents.
    public let consequences: [SettingRow]
    /// How many components are the same in all runs.
    public let same: Int
    /// Every metric of every evaluation.
    public let measures: [Measure]
    /// The evaluations that were not made on the same images, so that their figures cannot be compared.
    public let incomparable: [String]
    /// The time of every stage.
    public let times: [StageTime]
    /// The transfer sets.
    public let overlaps: [Overlap]
    let compared: [ComparedRun]

    enum CodingKeys: String, CodingKey {
        case runs, settings, consequences, same, measures, incomparable, times, overlaps
    }

    /// Reads what the runs left behind; what cannot be read is named on the page.
    public init(_ runs: [ReportedRun]) {
        let compared = runs.enumerated().map { ComparedRun($1, label: ComparedRun.label($0)) }
        self.compared = compared
        self.runs = compared.map { entry in
            Run(
                label: entry.label, id: entry.run.id, pipeline: entry.run.pipeline,
                outcome: entry.run.outcome.rawValue, started: entry.run.started.formatted(.iso8601),
                seconds: entry.run.seconds,
                workSeconds: entry.work)
        }
        let keys = KeyRows(compared)
        (settings, consequences, same) = (keys.settings, keys.consequences, keys.same)
        let evaluations = MeasureRows(compared)
        (measures, incomparable) = (evaluations.rows, evaluations.incomparable)
        times = Self.families(compared).map { family in
            let nodes = compared.map { $0.nodes(of: family) }
            return StageTime(
                stage: family,
                seconds: zip(compared, nodes).map { entry, nodes in
                    let seconds = nodes.compactMap { entry.seconds[$0.name] ?? $0.seconds }
                    return seconds.isEmpty ? nil : seconds.reduce(0, +)
                },
                isOwn: nodes.map { $0.contains { $0.seconds != nil } })
        }
        overlaps = Self.aligned(compared.map { $0.transferSets.map(\.node) }).map { title, names in
            Self.overlap(
                title,
                zip(compared, names).map { entry, name in
                    entry.transferSets.first { $0.node == name }?.set
                })
        }
    }

    private static func overlap(_ stage: String, _ sets: [ComparedRun.TransferSet?]) -> Overlap {
        let present = sets.compactMap { $0?.ids }
        let common = present.dropFirst().reduce(present.first ?? []) { $0.intersection($1) }
        return Overlap(
            stage: stage, images: sets.map { $0?.ids.count }, meanSimilarity: sets.map { $0?.meanSimilarity },
            common: common.count,
            jaccard: sets.map { a in
                sets.map { b in
                    guard let a, let b else { return nil }
                    let shared = a.ids.intersection(b.ids).count
                    let all = a.ids.count + b.ids.count - shared
                    return all == 0 ? 1 : Double(shared) / Double(all)
                }
            })
    }

    /// The families of all runs, in the order in which they come.
    static func families(_ runs: [ComparedRun]) -> [String] {
        var seen: Set<String> = []
        return runs.flatMap { $0.run.nodes.map(\.baseName) }.filter { seen.insert($0).inserted }
    }

    /// The things that runs can be compared by, with the name of each in every run.
    ///
    /// Things of one name belong together; where no run has more than one, it is the same thing whatever it is called.
    static func aligned(_ names: [[String]]) -> [(title: String, names: [String?])] {
        var seen: Set<String> = []
        let all = names.flatMap(\.self).filter { seen.insert($0).inserted }
        if all.count > 1, names.allSatisfy({ $0.count <= 1 }) {
            return [(all.joined(separator: " / "), names.map(\.first))]
        }
        return all.map { name in (name, names.map { $0.contains(name) ? name : nil }) }
    }
}

extension RunComparison {
    /// What can be said of the deciding metric of each evaluation, a sentence each.
    var sentences: [String] {
        var seen: Set<String> = []
        return measures.filter { seen.insert($0.evaluation).inserted }.prefix(3).compactMap { first in
            guard !incomparable.contains(first.evaluation) else {
                return "‘\(first.evaluation)’ was not measured on the same images in all runs."
            }
            let rows = measures.filter { $0.evaluation == first.evaluation && $0.metric == first.metric }
            let entries = rows.flatMap { row in
                row.figures.enumerated().compactMap { number, figure in
                    figure.map { (label: runs[number].label, arm: row.arm, figure: $0) }
                }
            }
            let best = entries.max {
                let (a, b) = ($0.figure.seeds.mean, $1.figure.seeds.mean)
                return first.lowerIsBetter ? a > b : a < b
            }
            guard let best, entries.count > 1 else { return nil }
            let format = FigureFormat(first.metric, entries.flatMap { $0.figure.seeds.values })
            let metric = first.metric.replacing("_", with: " ")
            let unit = format.isShare ? "\u{202F}%" : ""
            var sentence =
                "\(best.label) has the best \(metric), \(format.value(best.figure.seeds.mean))\(unit) (\(best.arm))"
            if let difference = best.figure.difference {
                sentence += ", \(format.difference(difference.mean)) against \(runs[0].label)"
                sentence +=
                    difference.ci95.map {
                        " (95 % CI \(format.differences($0))\(difference.isResolved ? "" : ", not resolved"))"
                    } ?? ", without an interval"
            }
            return sentence + "."
        }
    }
}

extension RunComparison.Measure {
    /// What a table says of a figure.
    public struct Texts: Sendable {
        /// The metric with its unit, and the direction in which it improves.
        public var metric: String
        /// Of every run the value with its interval, and the difference from the first run with its own.
        public var figures: [(value: String, difference: String?)?]
    }

    var format: FigureFormat { FigureFormat(metric, figures.flatMap { $0?.seeds.values ?? [] }) }

    /// The row in words.
    public var texts: Texts {
        let format = format
        let unit = format.isShare ? ", %" : ""
        return Texts(
            metric: "\(metric.replacing("_", with: " "))\(unit) \(lowerIsBetter ? "↓" : "↑")",
            figures: figures.map { figure in
                figure.map { figure in
                    let interval = figure.seeds.ci95.map { " (\(format.interval($0)))" } ?? ""
                    return (
                        format.value(figure.seeds.mean) + interval,
                        figure.difference.map { Self.text($0, format) }
                    )
                }
            })
    }

    private static func text(_ difference: RunComparison.Difference, _ format: FigureFormat) -> String {
        let interval =
            difference.ci95.map { " (\(format.differences($0)))" }
            ?? (difference.pairs == 0 ? " (other seeds)" : "")
        return format.difference(difference.mean) + interval
    }
}
