/// The images that are still in the running, and why the others are not.
struct Funnel {
    /// One image that a step rules out.
    struct Drop {
        var row: Int
        var reason: String
        var other: String?
        var similarity: Float?
        var group: String?
    }

    private let images: PoolImages
    /// Whether each image is still in the running.
    private(set) var kept: [Bool]
    /// The rows of `dropped.jsonl`: by step, then by source.
    private(set) var dropped: [DroppedRow] = []
    private var droppedAt: [FunnelStep.Name: Int] = [:]

    init(images: PoolImages) {
        self.images = images
        kept = Array(repeating: true, count: images.count)
    }

    mutating func drop(_ drops: [Drop], at step: FunnelStep.Name) {
        droppedAt[step] = drops.count
        for drop in drops { kept[drop.row] = false }
        dropped += drops.map { drop in
            DroppedRow(
                id: images[drop.row].id, source: images[drop.row].source, step: step, reason: drop.reason,
                other: drop.other, similarity: drop.similarity, group: drop.group)
        }
        .sorted { ($0.source, $0.id) < ($1.source, $1.id) }
    }

    /// The entries of `funnel.json`, of the steps that have a note.
    ///
    /// What is neither dropped nor chosen was simply not needed.
    func steps(_ notes: [FunnelStep.Name: String], final: Int) -> [FunnelStep] {
        var left = images.count
        return FunnelStep.Name.allCases.compactMap { step in
            guard let note = notes[step] else { return nil }
            let dropped = step == .final ? left - final : droppedAt[step] ?? 0
            left -= dropped
            return FunnelStep(step: step, kept: left, dropped: dropped, note: note)
        }
    }
}
