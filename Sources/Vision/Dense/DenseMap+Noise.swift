extension DenseMap {
    /// The squares along the shorter side.
    private static let squares = 8

    /// The map with a share of its squares replaced by what another square of it says: a worse expert, whose answers are
    /// as frequent as before and stand in the wrong places.
    ///
    /// A square's side is an eighth of the shorter side. The same key and share give the same map, and what a smaller share
    /// replaces a larger one replaces, too.
    public func shuffled(_ share: Double, key: String, seed: UInt64) -> DenseMap {
        let side = max(1, min(width, height) / Self.squares)
        let (columns, rows) = (width / side, height / side)
        guard share > 0, columns * rows > 1 else { return self }
        var random = Philox(seed: seed, stream: Philox.stream(of: key))
        let channels = task.channelCount
        var values = values
        for square in 0..<columns * rows {
            // Drawn for every square, so that the others' draws do not depend on the share.
            let (chance, other) = (random.uniform(), random.index(below: columns * rows - 1))
            guard chance < share else { continue }
            let source = other < square ? other : other + 1
            for y in 0..<side {
                let from = ((source / columns * side + y) * width + source % columns * side) * channels
                let to = ((square / columns * side + y) * width + square % columns * side) * channels
                values.replaceSubrange(
                    to..<to + side * channels, with: self.values[from..<from + side * channels])
            }
        }
        return DenseMap(task, width: width, height: height, values: values)
    }
}
