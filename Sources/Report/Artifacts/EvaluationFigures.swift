import Foundation

/// How well one model does, or one arm over all of its seeds.
struct EvaluationFigures: Decodable, Sendable {
    struct ReliabilityBin: Decodable, Sendable {
        var confidence: Double
        var accuracy: Double
        var count: Int
    }

    var top1: Double?
    var balancedAccuracy: Double?
    var nll: Double?
    var ece: Double?
    var perClass: [String: Double]?
    var confusion: [[Double]]?
    var reliability: [ReliabilityBin]?

    enum CodingKeys: String, CodingKey {
        case top1, nll, ece, confusion, reliability
        case balancedAccuracy = "balanced_accuracy"
        case perClass = "per_class"
    }

    /// The figures of several seeds together: means, and counts added up.
    ///
    /// Nil when there is no seed.
    init?(pooling seeds: [EvaluationFigures]) {
        guard let first = seeds.first else { return nil }
        top1 = Self.mean(seeds.map(\.top1))
        balancedAccuracy = Self.mean(seeds.map(\.balancedAccuracy))
        nll = Self.mean(seeds.map(\.nll))
        ece = Self.mean(seeds.map(\.ece))
        perClass = first.perClass?.keys.reduce(into: [:]) { means, name in
            means[name] = Self.mean(seeds.map { $0.perClass?[name] })
        }
        let tables = seeds.compactMap(\.confusion)
        confusion = tables.first.map { first in
            tables.dropFirst().reduce(first) { sum, next in zip(sum, next).map { zip($0, $1).map(+) } }
        }
        reliability = Self.pooled(seeds.compactMap(\.reliability).flatMap { $0 })
    }

    /// The mean, when every value is there.
    private static func mean(_ values: [Double?]) -> Double? {
        let present = values.compactMap { $0 }
        return present.isEmpty || present.count < values.count
            ? nil : present.reduce(0, +) / Double(present.count)
    }

    /// Bins of the same fifteenth of the range of confidence become one.
    private static func pooled(_ bins: [ReliabilityBin]) -> [ReliabilityBin]? {
        guard !bins.isEmpty else { return nil }
        return Dictionary(grouping: bins) { min(14, Int($0.confidence * 15)) }.sorted { $0.key < $1.key }
            .map { _, bins in
                let count = bins.reduce(0) { $0 + $1.count }
                let mean = { (value: (ReliabilityBin) -> Double) in
                    bins.reduce(0) { $0 + value($1) * Double($1.count) } / Double(max(count, 1))
                }
                return ReliabilityBin(
                    confidence: mean(\.confidence), accuracy: mean(\.accuracy), count: count)
            }
    }
}

extension EvaluationMetrics {
    /// The arm with the highest mean.
    var bestGroup: Group? { groups?.max { ($0.mean, $1.name) < ($1.mean, $0.name) } }

    /// The models of one arm.
    func models(of group: String) -> [Model] { (models ?? []).filter { $0.group == group } }

    /// The nodes of the best arm's models; without arms, of the best model.
    var bestModels: [String] {
        if let best = bestGroup { return models(of: best.name).map(\.node) }
        return (models?.max { ($0.figures.top1 ?? 0) < ($1.figures.top1 ?? 0) }).map { [$0.node] } ?? []
    }

    /// The figures of the best arm over all of its seeds; where the models' own are not stored, those at the top.
    var bestFigures: EvaluationFigures {
        let best = Set(bestModels)
        let pooled = EvaluationFigures(
            pooling: (models ?? []).filter { best.contains($0.node) }.map(\.figures))
        return pooled?.confusion == nil ? figures : pooled ?? figures
    }
}
