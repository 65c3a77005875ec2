internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors

/// The checkpoint of a training loop: one safetensors file, replaced atomically.
struct TrainingState {
    /// How far a loop has come, besides its tensors.
    struct Progress: Codable {
        /// The finished steps.
        var step = 0
        /// How often the moving average was updated.
        var updates = 0
        /// The seconds of all sessions.
        var seconds = 0.0
        /// The best validation so far.
        var best: Double?
        /// The validations since the best one.
        var validationsSinceBest = 0
        /// Why the loop ended; nil while it goes on.
        var end: TrainingEnd?
    }

    /// What was saved: tensors under prefixed names, and the progress.
    struct Saved {
        var progress: Progress
        var tensors: [String: Tensor]

        /// The tensors under a prefix, without it.
        func tensors(below prefix: String) -> [String: Tensor] {
            var result: [String: Tensor] = [:]
            for (name, tensor) in tensors where name.hasPrefix(prefix) {
                result[String(name.dropFirst(prefix.count))] = tensor
            }
            return result
        }
    }

    let file: URL

    init(folder: URL) { file = folder.appending(path: "training.safetensors") }

    func write(_ tensors: [(name: String, tensor: Tensor)], _ progress: Progress) throws {
        let text = String(decoding: try JSONEncoder().encode(progress), as: UTF8.self)
        try SafetensorsFile.write(tensors, metadata: ["progress": text], to: file)
    }

    /// The last checkpoint; nil when there is none.
    func read() throws -> Saved? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let saved = try SafetensorsFile(file)
        // Another version's checkpoint is no place to go on from.
        guard let text = saved.metadata["progress"],
            let progress = try? JSONDecoder().decode(Progress.self, from: Data(text.utf8))
        else { return nil }
        return Saved(progress: progress, tensors: try saved.state())
    }
}

/// Why a training loop ended.
public enum TrainingEnd: String, Codable, Hashable, Sendable {
    /// It made all its steps.
    case steps
    /// Validation has not improved for as long as the recipe allows.
    case patience
    /// Its time was up.
    case time

    /// The reason in words.
    public var explanation: String {
        switch self {
        case .steps: "all steps were made"
        case .patience: "validation did not improve any more, and the best weights were kept"
        case .time: "max_seconds had passed"
        }
    }
}

/// How a training loop ended.
public struct TrainingOutcome: Hashable, Sendable {
    /// Why.
    public let end: TrainingEnd
    /// The updates it made.
    public let steps: Int
}
