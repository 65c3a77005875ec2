extension String {
    /// The candidate that was probably meant: at most a third of this word (and at least one edit) away.
    public func nearest(in candidates: some Sequence<String>) -> String? {
        guard let best = closest(in: candidates), editDistance(to: best) <= max(1, count / 3) else {
            return nil
        }
        return best
    }

    /// The candidate at the fewest edits, however many they are; nil when there are no candidates.
    public func closest(in candidates: some Sequence<String>) -> String? {
        candidates.map { (word: $0, distance: editDistance(to: $0)) }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
    }

    /// The hint `did you mean '…'?` for the nearest candidate.
    public func didYouMean(_ candidates: some Sequence<String>) -> String? {
        nearest(in: candidates).map { "did you mean '\($0)'?" }
    }

    /// The number of insertions, deletions and substitutions between two words (Levenshtein).
    public func editDistance(to other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (i, a) in enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in other.enumerated() {
                let substituted = a == b ? diagonal : 1 + Swift.min(diagonal, row[j], row[j + 1])
                diagonal = row[j + 1]
                row[j + 1] = substituted
            }
        }
        return row[other.count]
    }
}
