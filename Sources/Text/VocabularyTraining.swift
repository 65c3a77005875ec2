extension Tokenizer {
    /// Learns a vocabulary from captions, in the form of CLIP's files.
    ///
    /// Sennrich et al. 2016, algorithm 1, on bytes: the pair that occurs most often becomes one, again and again, and of
    /// pairs equally often the first by its characters. It ends at `size` numbers, or where no pair occurs
    /// `minimumCount` times.
    ///
    /// - Parameter size: the most numbers, with the 512 of the bytes and the 2 marks among them.
    public init(
        learnedFrom captions: some Sequence<String>, size: Int = 8192, minimumCount: Int = 2
    ) {
        var counts: [Substring: Int] = [:]
        for caption in captions {
            for word in Words.split(TextCleaning.clean(caption)) { counts[word, default: 0] += 1 }
        }
        counts[Substring(Self.startText)] = nil
        counts[Substring(Self.endText)] = nil
        var learner = PairLearner(counts)
        var lines: [String] = []
        while lines.count < min(size - 514, Self.largestPairCount),
            let (first, second) = learner.join(minimumCount: max(1, minimumCount))
        {
            lines.append("\(first) \(second)")
        }
        self.init(version: "#version: 0.2, learned", lines: lines)
    }
}

/// Words as rows of symbols whose commonest neighbours are joined.
private struct PairLearner {
    private struct Pair: Hashable {
        let first, second: Int
    }

    private var symbols: [String] = []
    private var words: [(symbols: [Int], count: Int)] = []
    private var counts: [Pair: Int] = [:]
    /// The words that hold a pair, or held it once.
    private var places: [Pair: Set<Int>] = [:]

    init(_ texts: [Substring: Int]) {
        var numbers: [String: Int] = [:]
        for (text, count) in texts.sorted(by: { $0.key < $1.key }) {
            var parts = text.utf8.map { String(ByteCharacters.character(of: $0)) }
            guard let last = parts.popLast() else { continue }
            let row = (parts + [last + "</w>"]).map { part -> Int in
                if let known = numbers[part] { return known }
                numbers[part] = symbols.count
                symbols.append(part)
                return symbols.count - 1
            }
            words.append((row, count))
        }
        for index in words.indices { add(index, 1) }
    }

    /// Counts the pairs of a word in, or out.
    private mutating func add(_ index: Int, _ sign: Int) {
        let (row, count) = words[index]
        for (first, second) in zip(row, row.dropFirst()) {
            let pair = Pair(first: first, second: second)
            counts[pair, default: 0] += sign * count
            if sign > 0 { places[pair, default: []].insert(index) }
        }
    }

    /// Joins the commonest pair; nil where none is common enough.
    mutating func join(minimumCount: Int) -> (first: String, second: String)? {
        func text(_ pair: Pair) -> (String, String) { (symbols[pair.first], symbols[pair.second]) }
        var best: (pair: Pair, count: Int)?
        for (pair, count) in counts where count >= minimumCount {
            guard let known = best else {
                best = (pair, count)
                continue
            }
            if count > known.count || count == known.count && text(pair) < text(known.pair) {
                best = (pair, count)
            }
        }
        guard let pair = best?.pair else { return nil }
        let joined = symbols.count
        symbols.append(symbols[pair.first] + symbols[pair.second])
        for index in places[pair] ?? [] {
            add(index, -1)
            words[index].symbols = Self.joining(words[index].symbols, pair, joined)
            add(index, 1)
        }
        counts[pair] = nil
        places[pair] = nil
        return text(pair)
    }

    private static func joining(_ row: [Int], _ pair: Pair, _ joined: Int) -> [Int] {
        var result: [Int] = []
        var index = 0
        while index < row.count {
            let isPair = index + 1 < row.count && row[index] == pair.first && row[index + 1] == pair.second
            result.append(isPair ? joined : row[index])
            index += isPair ? 2 : 1
        }
        return result
    }
}
