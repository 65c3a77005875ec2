import Diagnostics
import Foundation
import TestSupport
import Testing
import Text

@Suite struct TokenizerTests {
    /// What open_clip's class makes of tricky texts with a small vocabulary.
    private struct Expected: Decodable {
        struct Numbers: Decodable {
            let size: Int
            let tokens, captions: [[Int]]
        }
        let texts: [String]
        let vocabulary, ended: Numbers
    }

    private let expected: Expected

    init() throws {
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: Fixtures.url("clip/tokens.json")))
    }

    private func check(_ tokenizer: Tokenizer, _ numbers: Expected.Numbers) {
        #expect(tokenizer.vocabularySize == numbers.size)
        for (text, (tokens, caption)) in zip(expected.texts, zip(numbers.tokens, numbers.captions)) {
            #expect(tokenizer.encode(text) == tokens, "\(text.debugDescription)")
            let own = tokenizer.caption(text)
            #expect(
                own + [Int](repeating: 0, count: 77 - own.count) == caption, "\(text.debugDescription)")
        }
    }

    @Test func `numbers are those of open_clip`() throws {
        check(try Tokenizer(Fixtures.url("clip/vocabulary.txt.gz")), expected.vocabulary)
    }

    @Test func `a line break at the end takes a number, as in open_clip`() throws {
        check(try Tokenizer(Fixtures.url("clip/ended.txt.gz")), expected.ended)
    }

    @Test func `a written vocabulary is read back the same, uncompressed`() throws {
        let folder = try TemporaryFolder()
        for (name, numbers) in [("vocabulary", expected.vocabulary), ("ended", expected.ended)] {
            let file = folder.appending("\(name).txt")
            try Tokenizer(Fixtures.url("clip/\(name).txt.gz")).write(to: file)
            check(try Tokenizer(file), numbers)
        }
    }

    @Test func `what was encoded is decoded`() throws {
        let tokenizer = try Tokenizer(Fixtures.url("clip/vocabulary.txt.gz"))
        #expect(
            tokenizer.decode(tokenizer.encode("Two dogs; naïve 犬 🐕")) == "two dogs ; naïve 犬 🐕")
    }

    @Test func `a learned vocabulary makes frequent words one number, and every text some`() throws {
        let captions = ["a red cone", "a red ball", "a red cone on a tiled floor", "two cones"]
        let tokenizer = Tokenizer(learnedFrom: captions)
        #expect(tokenizer.encode("red").count == 1)
        #expect(tokenizer.encode("cone").count == 1)
        #expect(tokenizer.encode("tiled").count > 1)
        #expect(tokenizer.decode(tokenizer.encode("Ünïcode 🐕 words")) == "ünïcode 🐕 words")
        #expect(tokenizer.end == tokenizer.vocabularySize - 1)
        let small = Tokenizer(learnedFrom: captions, size: 516)
        #expect(small.vocabularySize == 516)
    }

    @Test func `a learned vocabulary does not depend on the order of captions`() throws {
        let captions = (0..<40).map { "caption number \($0) of a striped box and \($0 % 7) cones" }
        let folder = try TemporaryFolder()
        let texts = try [captions, captions.reversed()].enumerated().map { index, captions in
            let file = folder.appending("\(index).txt")
            try Tokenizer(learnedFrom: captions, size: 600).write(to: file)
            return try String(contentsOf: file, encoding: .utf8)
        }
        #expect(texts[0] == texts[1])
    }

    private func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return "\(error)" }
    }

    @Test func `a file that is no vocabulary is named with its line`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("#version\na b\nthree words here\n", to: "bad.txt")
        #expect(
            message { _ = try Tokenizer(file) } == """
                \(file.path):3:1: error: this line holds 3 words, and a pair has two
                  hint: a vocabulary is a file such as bpe_simple_vocab_16e6.txt.gz
                """)
        let cut = folder.appending("cut.txt.gz")
        try Data(contentsOf: Fixtures.url("clip/vocabulary.txt.gz")).prefix(200).write(to: cut)
        #expect(
            message { _ = try Tokenizer(cut) } == """
                error: \(cut.path) begins as a gzip file does, and cannot be decompressed
                  hint: copy it again; `gzip -t` says whether it is whole
                """)
    }
}
