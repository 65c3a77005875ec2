/// A question that has an answer for every pixel of an image.
public enum DenseTask: String, CaseIterable, Codable, Hashable, Sendable {
    /// What the pixel shows: the number of a class.
    case segmentation
    /// How far away it is, in any unit: models and losses compare depths up to a scale and a shift for each image.
    case depth
    /// Which way its surface faces: a unit vector to the right, upwards and towards the camera.
    case normals

    /// The numbers in the answer about one pixel.
    public var channelCount: Int { self == .normals ? 3 : 1 }

    /// The names of the outputs of a model for this task, unless they are classes of the user's.
    public var outputNames: [String]? {
        switch self {
        case .segmentation: nil
        case .depth: ["depth"]
        case .normals: ["normal-x", "normal-y", "normal-z"]
        }
    }
}
