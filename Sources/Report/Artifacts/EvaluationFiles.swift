import Foundation

/// An evaluation, as its files tell it.
struct EvaluationFiles: Sendable {
    let folder: ArtifactFolder
    var metrics: EvaluationMetrics
    var record: ArtifactFacts?
    var predictions: [PredictionRow]
    /// The transfer images nearest to an evaluated image, by its id; evaluations may leave them out.
    var nearest: [String: [NearestRow.Neighbour]]

    /// Reads the folder; nil when it holds no `metrics.json`.
    init?(_ url: URL) throws {
        folder = ArtifactFolder(url: url)
        guard let metrics = try folder.json("metrics.json", as: EvaluationMetrics.self) else { return nil }
        self.metrics = metrics
        record = try folder.json("artifact.json")
        predictions = try folder.rows("predictions.jsonl") ?? []
        nearest = Dictionary(
            (try folder.rows("nearest.jsonl", as: NearestRow.self) ?? []).map { ($0.id, $0.neighbours) },
            uniquingKeysWith: { first, _ in first })
    }
}

/// `metrics.json` of an evaluation.
struct EvaluationMetrics: Decodable, Sendable {
    struct Floor: Decodable, Sendable {
        var majority: Double?
        var random: Double?
    }

    struct Ceiling: Decodable, Sendable {
        var name: String
        var top1: Double
    }

    struct Model: Decodable, Sendable {
        var node: String
        var group: String?
        var top1: Double
        var balancedAccuracy: Double?
        var nll: Double?
        var ece: Double?

        enum CodingKeys: String, CodingKey {
            case node, group, top1, nll, ece
            case balancedAccuracy = "balanced_accuracy"
        }
    }

    struct Group: Decodable, Sendable {
        struct Comparison: Decodable, Sendable {
            var baseline: String
            var difference: Double
            var ci95: Interval?
        }

        var name: String
        var values: [Double]
        var mean: Double
        var ci95: Interval?
        var versus: Comparison?
    }

    struct ReliabilityBin: Decodable, Sendable {
        var confidence: Double
        var accuracy: Double
        var count: Int
    }

    var top1: Double?
    var balancedAccuracy: Double?
    var n: Int?
    var nll: Double?
    var ece: Double?
    var perClass: [String: Double]?
    var confusion: [[Double]]?
    var classes: [String]?
    var floor: Floor?
    var ceiling: Ceiling?
    var models: [Model]?
    var groups: [Group]?
    var reliability: [ReliabilityBin]?

    enum CodingKeys: String, CodingKey {
        case top1, n, nll, ece, confusion, classes, floor, ceiling, models, groups, reliability
        case balancedAccuracy = "balanced_accuracy"
        case perClass = "per_class"
    }
}

/// One prediction for one evaluated image.
struct PredictionRow: Decodable, Sendable {
    var id: String
    var source: String
    var label: ClassReference
    var prediction: ClassReference
    var confidence: Double?
    var model: String?
}

/// The transfer images nearest to one evaluated image.
struct NearestRow: Decodable, Sendable {
    struct Neighbour: Decodable, Sendable {
        var id: String
        var source: String
        var similarity: Double?
    }

    var id: String
    var neighbours: [Neighbour]
}

/// A class by its index or by its name.
enum ClassReference: Decodable, Hashable, Sendable {
    case index(Int)
    case name(String)

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let index = try? value.decode(Int.self) {
            self = .index(index)
        } else {
            self = .name(try value.decode(String.self))
        }
    }

    /// The name of the class, or its index when `classes` does not know it.
    func name(in classes: [String]) -> String {
        switch self {
        case .name(let name): name
        case .index(let index): classes.indices.contains(index) ? classes[index] : "class \(index)"
        }
    }
}
