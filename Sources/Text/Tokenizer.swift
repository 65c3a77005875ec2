internal import Diagnostics
public import Foundation

/// Cuts captions into the numbers that a text tower reads: byte-pair encoding with CLIP's vocabulary files.
///
/// Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", on bytes, as CLIP has it. A file
/// holds a line of its version and then one pair a line, the first joined first; it may be compressed by gzip. The
/// numbers are those of OpenAI's and OpenCLIP's tokenizers: 256 bytes, the same at the end of a word, what every pair
/// makes, and the marks of beginning and end.
public struct Tokenizer: Sendable {
    static let startText = "<start_of_text>"
    static let endText = "<end_of_text>"
    /// The pairs that are read of a file, whatever it holds: as many as CLIP's 49,408 numbers leave.
    static let largestPairCount = 49152 - 256 - 2
    /// The numbers of a caption in CLIP's models, its two marks among them.
    public static let contextLength = 77
    /// The name of a vocabulary in a checkpoint.
    public static let file = "vocabulary.txt"

    private struct Pair: Hashable {
        let first, second: Int
    }

    private struct Join {
        let rank, result: Int
    }

    /// The first line of the file.
    private let version: String
    private let lines: [String]
    private let pairs: [Pair: Join]
    /// The number of a byte within a word, and of one that ends it.
    private let inner, last: [Int]
    private let strings: [String]

    /// The mark of a caption's beginning.
    public let start: Int
    /// The mark of a caption's end; the largest number.
    public let end: Int
    /// How many numbers there are.
    public var vocabularySize: Int { strings.count }

    /// Reads a vocabulary file, plain or compressed.
    ///
    /// - Throws: a `Diagnostic` for a file that is none.
    public init(_ file: URL) throws {
        let data = try Gzip.read(file)
        let rows = data.split(
            separator: UInt8(ascii: "\n"), maxSplits: Self.largestPairCount + 1,
            omittingEmptySubsequences: false)
        let lines = try rows.prefix(Self.largestPairCount + 1).enumerated().map { number, row in
            guard let line = String(data: row, encoding: .utf8) else {
                throw Diagnostic(
                    "this line is not text", at: SourceLocation(file.path, number + 1, 1), hint: Self.hint,
                    exitCode: .badData)
            }
            let parts = line.split(whereSeparator: \.isWhitespace).count
            guard number == 0 || parts == 2 || parts == 0 else {
                throw Diagnostic(
                    "this line holds \(parts == 1 ? "one word" : "\(parts) words"), and a pair has two",
                    at: SourceLocation(file.path, number + 1, 1), hint: Self.hint, exitCode: .badData)
            }
            return line
        }
        self.init(version: lines.first ?? "", lines: Array(lines.dropFirst()))
    }

    private static let hint = "a vocabulary is a file such as bpe_simple_vocab_16e6.txt.gz"

    /// Makes a tokenizer of the lines after the first.
    init(version: String, lines: [String]) {
        self.version = version
        self.lines = lines
        let bytes = ByteCharacters.inOrder.map { String($0) }
        let joined = lines.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
        // A line without a pair, such as the end of a file, takes a number all the same.
        strings =
            bytes + bytes.map { $0 + "</w>" } + joined.map { $0.joined() } + [Self.startText, Self.endText]
        // Where two pairs make the same, the later number stands for it.
        var numbers: [String: Int] = [:]
        for (number, string) in strings.enumerated() { numbers[string] = number }
        var pairs: [Pair: Join] = [:]
        for (rank, parts) in joined.enumerated() where parts.count == 2 {
            guard let first = numbers[parts[0]], let second = numbers[parts[1]],
                let result = numbers[parts[0] + parts[1]]
            else { continue }
            pairs[Pair(first: first, second: second)] = Join(rank: rank, result: result)
        }
        self.pairs = pairs
        let characters = (0...255).map { String(ByteCharacters.character(of: UInt8($0))) }
        inner = characters.map { numbers[$0] ?? 0 }
        last = characters.map { numbers[$0 + "</w>"] ?? 0 }
        start = strings.count - 2
        end = strings.count - 1
    }

    /// Writes the vocabulary as plain text.
    public func write(to file: URL) throws {
        // Without a line break at the end, which would be one more line.
        try Data(([version] + lines).joined(separator: "\n").utf8).write(to: file, options: .atomic)
    }

    // MARK: Encoding

    /// The numbers of a text, without marks and however many there are.
    public func encode(_ text: String) -> [Int] {
        Words.split(TextCleaning.clean(text)).flatMap(encode(word:))
    }

    /// The numbers of a caption with its marks, cut off after `contextLength`, the last of which is then the mark.
    public func caption(_ text: String, contextLength: Int = contextLength) -> [Int] {
        let numbers = [start] + encode(text) + [end]
        guard numbers.count > contextLength else { return numbers }
        return numbers.prefix(contextLength - 1) + [end]
    }

    private func encode(word: Substring) -> [Int] {
        if word == Self.startText { return [start] }
        if word == Self.endText { return [end] }
        let bytes = Array(word.utf8)
        guard let final = bytes.last else { return [] }
        var numbers = bytes.dropLast().map { inner[Int($0)] } + [last[Int(final)]]
        while numbers.count > 1 {
            var best: (pair: Pair, join: Join)?
            for index in 1..<numbers.count {
                let pair = Pair(first: numbers[index - 1], second: numbers[index])
                if let join = pairs[pair], join.rank < best?.join.rank ?? .max { best = (pair, join) }
            }
            guard let best else { break }
            var next: [Int] = []
            var index = 0
            while index < numbers.count {
                if index + 1 < numbers.count, numbers[index] == best.pair.first,
                    numbers[index + 1] == best.pair.second
                {
                    next.append(best.join.result)
                    index += 2
                } else {
                    next.append(numbers[index])
                    index += 1
                }
            }
            numbers = next
        }
        return numbers
    }

    /// The text of some numbers, its words apart by single spaces; marks stand as they are written.
    public func decode(_ numbers: [Int]) -> String {
        var bytes: [UInt8] = []
        for number in numbers where strings.indices.contains(number) {
            let isEnd = strings[number].hasSuffix("</w>")
            let string = isEnd ? String(strings[number].dropLast(4)) : strings[number]
            bytes += string.unicodeScalars.compactMap(ByteCharacters.byte(of:))
            if isEnd || number >= start { bytes.append(UInt8(ascii: " ")) }
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}

/// A printable character for every byte, so that a vocabulary is a text file without spaces within its words.
enum ByteCharacters {
    /// The printable bytes of Latin-1 stand for themselves; the others follow from 256 on.
    private static let table: [Unicode.Scalar] = {
        var next: UInt32 = 256
        return (0...255).map { byte -> Unicode.Scalar in
            if isPrintable(UInt8(byte)) { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "?"
        }
    }()

    private static let bytes = Dictionary(
        uniqueKeysWithValues: table.enumerated().map { ($1, UInt8($0)) })

    private static func isPrintable(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    }

    /// The characters in the order of their numbers: the printable bytes, then the others.
    static let inOrder: [Unicode.Scalar] =
        (0...255).map { UInt8($0) }.filter(isPrintable).map { table[Int($0)] }
        + (0...255).map { UInt8($0) }.filter { !isPrintable($0) }.map { table[Int($0)] }

    /// The character that stands for a byte.
    static func character(of byte: UInt8) -> Unicode.Scalar { table[Int(byte)] }

    /// The byte that a character stands for.
    static func byte(of character: Unicode.Scalar) -> UInt8? { bytes[character] }
}
