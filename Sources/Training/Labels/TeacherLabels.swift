internal import Synchronization
internal import Vision

/// A teacher's answers for stored views of a list of images, read from the disk as they are needed.
public final class TeacherLabels: Sendable {
    /// The images, with their views.
    public let images: LabelledImages
    /// The answers, one row for each view.
    public let shards: LabelShards

    /// Joins the images with the answers about them.
    public init(images: LabelledImages, shards: LabelShards) {
        self.images = images
        self.shards = shards
    }

    /// The number of images.
    public var count: Int { images.count }
    /// The number of views of each image.
    public var viewCount: Int { shards.viewsPerImage }

    /// The view that is shown when an image is seen for the how-manieth time.
    func view(_ item: EpochSampler.Item) throws -> ImageView {
        let row = try images.row(item.index)
        return ImageView(row.record, row.views[item.epoch % row.views.count])
    }

    /// The answers about the views that ``view(_:)`` shows: logits, or features.
    func answers(to items: [EpochSampler.Item], for objective: DistillationTraining.Objective) throws
        -> AnswerRows
    {
        let rows = items.map { $0.index * viewCount + $0.epoch % viewCount }
        return objective == .taskAgnostic ? try shards.features(rows: rows) : try shards.logits(rows: rows)
    }
}

/// What the loader's threads have read of the batches' answers, until their steps come.
final class FetchedAnswers: Sendable {
    private let batches = Mutex<[Int: AnswerRows]>([:])

    /// Leaves the answers for a step.
    func put(_ answers: AnswerRows, for step: Int) { batches.withLock { $0[step] = answers } }

    /// The answers for a step; those of earlier steps are dropped.
    func answers(for step: Int) -> AnswerRows {
        let found = batches.withLock { batches in
            for earlier in batches.keys where earlier < step { batches[earlier] = nil }
            return batches[step]
        }
        guard let found else { preconditionFailure("Retort bug: a batch came without its answers") }
        return found
    }
}
