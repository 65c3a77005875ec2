import Engine
import Foundation

/// The figures of one evaluation, whatever its kind: metric by metric, every arm with the values of its models.
///
/// Every `metrics.json` lists its models with their figures; what is a number there is a metric.
struct MeasuredEvaluation {
    /// One metric.
    struct Metric {
        var name: String
        var lowerIsBetter: Bool
        /// The values by arm, then by the models' point of the matrix: `[seed=0]`.
        var arms: [String: [String: Double]] = [:]
    }

    /// The node, without its seed.
    let node: String
    /// The number of images.
    private(set) var images: Int?
    /// What it read, by input, the models left out: equal digests mean equal images.
    private(set) var measuredOn: [String: String]
    /// The arms, in the order in which they were evaluated.
    private(set) var arms: [String] = []
    /// The metrics; the first one decides.
    private(set) var metrics: [Metric] = []

    /// Reads a `metrics.json`; nil where it holds no number.
    init?(_ json: JSON, of node: ReportedRun.Node) {
        self.node = node.baseName
        images = json["n"]?.double.map { Int($0) }
        measuredOn = node.components.filter {
            $0.key.hasPrefix("input.") && !$0.key.hasPrefix("input.models")
        }
        let point = Self.point(of: node.name)
        if case .array(let models)? = json["models"], !models.isEmpty {
            for model in models {
                guard case .object(var members) = model, let name = members["node"]?.text else { continue }
                let arm = members["group"]?.text ?? Graph.Node.family(of: name)
                members["node"] = nil
                members["group"] = nil
                let own = Self.point(of: name)
                add(.object(members), arm: arm, point: own.isEmpty ? point : own)
            }
        } else {
            add(json, arm: self.node, point: point)
        }
        guard !metrics.isEmpty else { return nil }
        orderMetrics(Self.comparisons(json))
    }

    /// Adds what the evaluation found at another point of the matrix.
    mutating func merge(_ other: MeasuredEvaluation) {
        for arm in other.arms where !arms.contains(arm) { arms.append(arm) }
        for metric in other.metrics {
            guard let index = metrics.firstIndex(where: { $0.name == metric.name }) else {
                metrics.append(metric)
                continue
            }
            metrics[index].arms.merge(metric.arms) { $0.merging($1) { first, _ in first } }
        }
        if images != other.images { images = nil }
        measuredOn.merge(other.measuredOn) { $0 == $1 ? $0 : "several" }
    }

    private mutating func add(_ figures: JSON, arm: String, point: String) {
        if !arms.contains(arm) { arms.append(arm) }
        for (path, value) in Self.numbers(in: figures) {
            let name = (path.first == "metrics" ? path.dropFirst() : path[...]).joined(separator: " ")
            let index = metrics.firstIndex { $0.name == name } ?? metrics.count
            if index == metrics.count {
                metrics.append(Metric(name: name, lowerIsBetter: Self.lowerIsBetter(path.last ?? name)))
            }
            metrics[index].arms[arm, default: [:]][point] = value
        }
    }

    /// The deciding metric first: the first of those that were compared, or one that is known to decide.
    private mutating func orderMetrics(_ compared: [(name: String, lowerIsBetter: Bool)]) {
        for (name, lowerIsBetter) in compared {
            if let index = metrics.firstIndex(where: { $0.name == name }) {
                metrics[index].lowerIsBetter = lowerIsBetter
            }
        }
        let order = compared.map(\.name)
        func rank(_ metric: Metric) -> Int {
            if let place = order.firstIndex(of: metric.name) { return place }
            let word = metric.name.split(separator: " ").last.map(String.init) ?? ""
            return order.count + (Self.deciding.firstIndex(of: word) ?? Self.deciding.count)
        }
        metrics.sort { (rank($0), $0.name) < (rank($1), $1.name) }
    }

    private static let deciding = ["top1", "miou", "balanced_accuracy", "r1"]
    /// Tables by class, which are another page's matter, and what is not a figure.
    private static let skipped: Set<String> = [
        "n", "images", "captions", "chance", "per_class", "confusion", "reliability", "classes", "floor",
        "ceiling",
        "groups",
    ]

    private static func numbers(in json: JSON) -> [(path: [String], value: Double)] {
        if let value = json.double { return [([], value)] }
        guard case .object(let members) = json else { return [] }
        return members.filter { !skipped.contains($0.key) }.sorted { $0.key < $1.key }.flatMap { key, value in
            numbers(in: value).map { (path: [key] + $0.path, value: $0.value) }
        }
    }

    private static func comparisons(_ json: JSON) -> [(name: String, lowerIsBetter: Bool)] {
        guard case .array(let list)? = json["comparisons"] else { return [] }
        return list.compactMap { entry in
            guard let name = entry["metric"]?.text else { return nil }
            return (name, entry["lower_is_better"] == .bool(true))
        }
    }

    private static func lowerIsBetter(_ name: String) -> Bool {
        ["nll", "ece", "loss", "kl", "rmse", "abs_rel", "median_rank", "mean_rank"].contains(name)
            || name.contains("error")
    }

    /// The point of the matrix in a node's name: `student[seed=0]` → `[seed=0]`.
    private static func point(of node: String) -> String { String(node.drop { $0 != "[" }) }
}

/// How the values of a metric are written.
struct FigureFormat {
    /// Whether the values are shares, and so written in per cent.
    let isShare: Bool

    init(_ name: String, _ values: some Sequence<Double>) {
        let words = name.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        isShare = words.contains(where: Self.shares.contains) && values.allSatisfy { (0...1).contains($0) }
    }

    private static let shares: Set<String> = [
        "top1", "top5", "accuracy", "miou", "r1", "r5", "r10", "recall", "precision", "delta1", "within",
    ]

    func value(_ value: Double) -> String {
        isShare ? Format.fixed(value * 100, 1) : Format.short(value)
    }

    func interval(_ ends: [Double]) -> String { "\(value(ends[0]))–\(value(ends[1]))" }

    func difference(_ difference: Double) -> String {
        isShare ? Format.points(difference) : (difference > 0 ? "+" : "") + Format.short(difference)
    }

    func differences(_ ends: [Double]) -> String { "\(difference(ends[0])) to \(difference(ends[1]))" }
}
