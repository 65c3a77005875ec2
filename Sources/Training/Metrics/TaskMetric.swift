/// A figure that says how well a model does at a task, by its name in `metrics.json`.
public enum TaskMetric: String, CaseIterable, CodingKey, Hashable, Sendable {
    /// The mean over classes of intersection over union.
    case miou
    /// The share of named pixels that are named rightly.
    case pixelAccuracy = "pixel_accuracy"
    /// The root of the mean squared error of the depth.
    case rmse
    /// The mean of the depth's error over the depth.
    case absRel = "abs_rel"
    /// The share of pixels whose depth is less than 25 % off, up or down.
    case delta1
    /// The mean angle between normals, in degrees.
    case meanAngularError = "mean_angular_error"
    /// The median angle between normals, in degrees.
    case medianAngularError = "median_angular_error"
    /// The share of normals that are less than 11.25 degrees off.
    case within11 = "within_11_25"
    /// The share of images whose class is named rightly, by a linear map of the features.
    case top1
    /// The share of images whose class is named rightly by their nearest neighbours.
    case knnTop1 = "knn_top1"

    /// Whether less is better.
    public var isLowerBetter: Bool {
        switch self {
        case .rmse, .absRel, .meanAngularError, .medianAngularError: true
        default: false
        }
    }
}

/// Several figures of one model, by name.
public struct TaskFigures: Hashable, Sendable {
    /// The figures that were measured.
    public var values: [TaskMetric: Double]

    /// Creates figures.
    public init(_ values: [TaskMetric: Double]) { self.values = values }

    /// The metrics that were measured, in the order in which tables list them: the first one decides.
    public var metrics: [TaskMetric] { TaskMetric.allCases.filter { values[$0] != nil } }

    /// One figure.
    public subscript(metric: TaskMetric) -> Double? { values[metric] }
}

extension TaskFigures: Codable {
    /// Reads every metric that is there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: TaskMetric.self)
        values = [:]
        for metric in TaskMetric.allCases {
            values[metric] = try container.decodeIfPresent(Double.self, forKey: metric)
        }
    }

    /// Writes each figure under its metric's name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: TaskMetric.self)
        for metric in metrics { try container.encodeIfPresent(values[metric], forKey: metric) }
    }
}
