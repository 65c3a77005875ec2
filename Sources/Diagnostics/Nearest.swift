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

    /// The hint `did you mean '…'?`, or where nothing is near, `the stages are a, b, c`.
    public func didYouMean(_ candidates: some Collection<String>, among what: String) -> String? {
        didYouMean(candidates) ?? Self.list(candidates, what)
    }

    /// The hint `the stages are a, b, c`; of many, the first ones.
    private static func list(_ words: some Collection<String>, _ what: String) -> String? {
        guard !words.isEmpty else { return nil }
        let most = 12
        let rest = words.count > most ? " and \(words.count - most) more" : ""
        return "the \(what) are " + words.prefix(most).joined(separator: ", ") + rest
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
