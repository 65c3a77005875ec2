internal import Engine
internal import Foundation
internal import Tensors
internal import Training
internal import Vision

/// What a teacher has answered before: the finished labels of the same teacher in the store.
///
/// A view is drawn from the image's content and the seed alone, so transfer sets that share images share views. A
/// transfer set that grows, or one that another strategy chose, asks only about what is new (dataset
/// reinforcement, Faghri et al. 2023). The answers are the same bytes either way: every batch has the same number
/// of rows, and a row does not depend on its neighbours.
struct KnownLabels {
    /// An image of a set of labels.
    private struct Place {
        let labels: Int
        let image: Int
    }

    private let wanted: LabelForm
    private var places: [String: [Place]] = [:]
    private var labels: [TeacherLabels] = []

    /// Looks through the store for labels of some images; what is damaged, gone or less than wanted is passed over.
    init(
        store: URL, teacher: String, precision: Recipe.Precision, revision: Int, form: LabelForm,
        of images: [ImageRecord]
    ) {
        wanted = form
        let ids = Set(images.map(\.id))
        let names = (try? FileManager.default.contentsOfDirectory(atPath: store.path)) ?? []
        for name in names.sorted() {
            let folder = store.appending(path: name, directoryHint: .isDirectory)
            guard let record = try? ArtifactRecord.read(at: folder), record.kind == LabelSet.kind,
                record.revision == revision, record.retort == ProductVersion.current,
                record.components["setting.precision"] == precision.rawValue,
                record.inputs.contains(where: { $0.name == "teacher" && $0.digest == teacher }),
                let set = try? LabelSet(
                    ArtifactLocation(directory: folder, node: record.node, store: store)),
                let answers = try? set.answers(), form.canBeMade(from: answers.shards)
            else { continue }
            add(answers, ids)
        }
    }

    private mutating func add(_ answers: TeacherLabels, _ ids: Set<String>) {
        for image in 0..<answers.count {
            // A damaged row is one that is not known.
            guard let id = try? answers.images.id(image), ids.contains(id) else { continue }
            places[id, default: []].append(Place(labels: labels.count, image: image))
        }
        labels.append(answers)
    }

    /// Where the answers about a view lie, if it was answered before.
    func find(_ view: ImageView) -> KnownAnswer? {
        for place in places[view.record.id] ?? [] {
            let answers = labels[place.labels]
            guard let row = try? answers.images.row(place.image),
                let number = row.views.firstIndex(of: view.parameters)
            else { continue }
            return KnownAnswer(labels: place.labels, row: place.image * answers.viewCount + number)
        }
        return nil
    }

    /// The answers that were found, in the wanted form.
    ///
    /// - Throws: when a file of the store has gone since, or is damaged.
    func answers(_ found: [KnownAnswer]) throws -> LabelAnswers {
        var parts: [LabelAnswers] = []
        var rest = found[...]
        while let first = rest.first {
            // Neighbours mostly come from the same set.
            let part = rest.prefix { $0.labels == first.labels }
            parts.append(try wanted.take(part.map(\.row), from: labels[first.labels].shards))
            rest = rest.dropFirst(part.count)
        }
        return try .joined(parts)
    }
}

/// Where an answer lies: in which of the known sets, and in which row.
struct KnownAnswer {
    let labels: Int
    let row: Int
}
