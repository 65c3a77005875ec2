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

    /// One evaluated model: its name, its arm, its figures.
    struct Model: Decodable, Sendable {
        var node: String
        var group: String?
        var figures: EvaluationFigures

        enum CodingKeys: String, CodingKey {
            case node, group
            case figures = "metrics"
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

    /// The figures of the model that stands first.
    var figures: EvaluationFigures
    var n: Int?
    var classes: [String]?
    var floor: Floor?
    var ceiling: Ceiling?
    var models: [Model]?
    var groups: [Group]?

    enum CodingKeys: String, CodingKey { case n, classes, floor, ceiling, models, groups }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        figures = try EvaluationFigures(from: decoder)
        n = try values.decodeIfPresent(Int.self, forKey: .n)
        classes = try values.decodeIfPresent([String].self, forKey: .classes)
        floor = try values.decodeIfPresent(Floor.self, forKey: .floor)
        ceiling = try values.decodeIfPresent(Ceiling.self, forKey: .ceiling)
        models = try values.decodeIfPresent([Model].self, forKey: .models)
        groups = try values.decodeIfPresent([Group].self, forKey: .groups)
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
