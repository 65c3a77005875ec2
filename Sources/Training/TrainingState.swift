internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors

/// The checkpoint of a training loop: one safetensors file, replaced atomically.
struct TrainingState {
    /// What was saved: tensors under prefixed names, and the number of finished steps.
    struct Saved {
        var step: Int
        /// How often the moving average was updated.
        var updates: Int
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

    func write(_ tensors: [(name: String, tensor: Tensor)], step: Int, updates: Int) throws {
        try SafetensorsFile.write(
            tensors, metadata: ["step": String(step), "updates": String(updates)], to: file)
    }

    /// The last checkpoint; nil when there is none.
    func read() throws -> Saved? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let saved = try SafetensorsFile(file)
        func number(_ name: String) -> Int { saved.metadata[name].flatMap { Int($0) } ?? 0 }
        return Saved(step: number("step"), updates: number("updates"), tensors: try saved.state())
    }
}
