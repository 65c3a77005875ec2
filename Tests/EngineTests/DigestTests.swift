import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct DigestTests {
    /// A clock by which every file has settled.
    private let tomorrow: @Sendable () -> Double = { Date().timeIntervalSince1970 + 86_400 }

    @Test func `digests are SHA-256`() throws {
        #expect(
            SHA256.digest(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let folder = try TemporaryFolder()
        let file = try folder.write("abc", to: "abc.txt")
        #expect(try SHA256.digest(of: file) == SHA256.digest(of: Data("abc".utf8)))
    }

    @Test func `an untouched file is read once, and a changed one again`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("one", to: "a.txt")
        let cache = DigestCache(file: folder.appending("digests.json"), clock: tomorrow)
        let first = try cache.digest(of: file)
        #expect(try cache.digest(of: file) == first)
        #expect(cache.computedCount == 1)
        try cache.save()

        let reopened = DigestCache(file: folder.appending("digests.json"), clock: tomorrow)
        #expect(try reopened.digest(of: file) == first)
        #expect(reopened.computedCount == 0)

        // The same size at the same modification time: only the change time gives it away.
        let time = try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate]
        try folder.write("two", to: "a.txt")
        try FileManager.default.setAttributes(
            [.modificationDate: try #require(time)], ofItemAtPath: file.path)
        #expect(try reopened.digest(of: file) == SHA256.digest(of: "two"))
    }

    @Test func `a file that is being written is not remembered`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("one", to: "a.txt")
        let cache = DigestCache(clock: { 0 })
        _ = try cache.digest(of: file)
        _ = try cache.digest(of: file)
        #expect(cache.computedCount == 2)
    }

    @Test func `a file is remembered until it is touched`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("a", to: "a")
        let cache = DigestCache(clock: tomorrow)
        #expect(!cache.remembers(file))
        _ = try cache.digest(of: file)
        #expect(cache.remembers(file) && !cache.remembers(folder.appending("none")))
        try folder.write("ab", to: "a")
        #expect(!cache.remembers(file))
    }

    @Test func `a missing file is an error with its path`() throws {
        let error = try #require(throws: StoreError.self) {
            try DigestCache().digest(of: URL(filePath: "/nowhere/at/all"))
        }
        #expect(error.description == "cannot read '/nowhere/at/all': No such file or directory")
    }

    @Test func `many files have one digest that does not depend on where they lie`() throws {
        let (one, two) = (try TemporaryFolder(), try TemporaryFolder())
        let here = [try one.write("1", to: "a/x"), try one.write("2", to: "a/y")]
        let there = [try two.write("2", to: "b/y"), try two.write("1", to: "b/x")]
        let cache = DigestCache()
        #expect(
            try cache.digest(of: here, below: one.appending("a"))
                == cache.digest(of: there, below: two.appending("b")))
        #expect(
            try cache.digest(of: here, below: one.url) != cache.digest(of: there, below: two.url))
    }
}
