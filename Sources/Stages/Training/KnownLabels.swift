internal import Engine
internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors
internal import Training
internal import Vision

/// What a teacher has answered before: the finished labels of the same teacher in the store.
///
/// A view is drawn from the image's content and the seed alone, so transfer sets that share images share views. A
/// transfer set that grows, or one that another strategy chose, asks only about what is new (dataset
/// reinforcement, Faghri et al. 2023). The answers are the same bytes either way: every batch has the same number
/// of rows, and a row does not depend on its neighbours.
final class KnownLabels {
    /// One view of one image.
    private struct Key: Hashable {
        let image: String
        let view: ViewParameters

        init(image: String, view: ViewParameters) {
            self.image = image
            self.view = view
        }

        init(_ view: ImageView) { self.init(image: view.record.id, view: view.parameters) }
    }

    /// Where an answer lies: the rows of a shard, all views one after the other.
    private struct Place {
        let labels: Int
        let row: Int
    }

    private var places: [Key: Place] = [:]
    private var labels: [(set: LabelSet, viewsPerImage: Int)] = []
    private var opened: [URL: [String: Tensor]] = [:]

    /// Looks through the store for labels with these properties; what is damaged or gone is passed over.
    init(store: URL, teacher: String, precision: Recipe.Precision, revision: Int) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: store.path)) ?? []
        for name in names.sorted() {
            let folder = store.appending(path: name, directoryHint: .isDirectory)
            guard let record = try? ArtifactRecord.read(at: folder), record.kind == LabelSet.kind,
                record.revision == revision, record.retort == ProductVersion.current,
                record.components["setting.precision"] == precision.rawValue,
                record.inputs.contains(where: { $0.name == "teacher" && $0.digest == teacher }),
                let set = try? LabelSet(
                    ArtifactLocation(directory: folder, node: record.node, store: store)),
                let rows = try? set.rows()
            else { continue }
            add(rows)
            labels.append((set, rows.first?.views.count ?? 0))
        }
    }

    private func add(_ rows: [LabelSet.Row]) {
        var row = 0
        for image in rows {
            for view in image.views {
                places[Key(image: image.record.id, view: view)] = Place(labels: labels.count, row: row)
                row += 1
            }
        }
    }

    /// Whether a view was answered before.
    func contains(_ view: ImageView) -> Bool { places[Key(view)] != nil }

    /// The answers to views that were answered before.
    ///
    /// - Throws: when a file of the store has gone since, or is damaged.
    func answers(to views: [ImageView]) throws -> TeacherAnswers {
        let rows = try views.map { view in
            guard let place = places[Key(view)] else {
                preconditionFailure("Retort bug: asked for labels that are not known")
            }
            let (set, viewsPerImage) = labels[place.labels]
            let perShard = LabelSet.imagesPerShard * viewsPerImage
            let file = LabelSet.shard(place.row / perShard, in: set.location.directory)
            return (shard: try open(file), row: place.row % perShard)
        }
        func collect(_ name: String) throws -> Tensor {
            try Tensor.cat(
                rows.map { shard, row in
                    guard let tensor = shard[name] else { throw CocoaError(.fileReadCorruptFile) }
                    return try tensor.slice(dim: 0, from: row, to: row + 1)
                })
        }
        return TeacherAnswers(logits: try collect("logits"), features: try collect("features"))
    }

    /// A shard's tensors, with one row for each view.
    private func open(_ file: URL) throws -> [String: Tensor] {
        if let known = opened[file] { return known }
        if opened.count >= 32 { opened.removeAll() }
        let state = try SafetensorsFile(file).state().mapValues { try $0.flatten(from: 0, to: 1) }
        opened[file] = state
        return state
    }
}

/// What a teacher says about views.
struct TeacherAnswers {
    /// Class logits, fp32 `[n, K]`; K is zero without a classifier.
    var logits: Tensor
    /// Pooled features, fp16 `[n, D]`.
    var features: Tensor

    /// Asks a teacher.
    static func ask(_ teacher: Inference, about views: [ImageView]) throws -> TeacherAnswers {
        var logits: [Tensor] = []
        var features: [Tensor] = []
        try teacher.run(views) { output in
            if let values = output.logits { logits.append(try values.to(Device.cpu)) }
            features.append(try output.features.to(.float16).to(Device.cpu))
        }
        // A network without a classifier has features to imitate, and no predictions.
        return TeacherAnswers(
            logits: try logits.isEmpty ? .zeros([views.count, 0]) : Tensor.cat(logits),
            features: try Tensor.cat(features))
    }

    /// Two sets of answers, put into the order in which `positions` counts through the first, then the second.
    static func merged(_ a: TeacherAnswers, _ b: TeacherAnswers, positions: [Int]) throws -> TeacherAnswers {
        let order = try Tensor(positions)
        return TeacherAnswers(
            logits: try Tensor.cat([a.logits, b.logits]).indexSelect(dim: 0, order),
            features: try Tensor.cat([a.features, b.features]).indexSelect(dim: 0, order))
    }
}
