import Diagnostics
import Foundation
import Testing
import Vision

@Suite struct TarArchiveTests {
    @Test(arguments: ["ustar.tar", "gnu.tar", "pax.tar"])
    func `members are found whatever program wrote the archive`(name: String) throws {
        let archive = try TarArchive(Fixture.url(name))
        #expect(
            archive.entries.prefix(6).map(\.name) == [
                "folder/0001.cls", "folder/0001.jpg", "folder/0002.PNG", "folder/0002.json",
                "folder/0003.txt",
                "folder/0003.jpeg",
            ])
        let long =
            name == "ustar.tar"
            ? String(repeating: "p", count: 100) + "/" + String(repeating: "n", count: 90) + ".jpg"
            : String(repeating: "a-folder-with-a-long-name/", count: 6) + "größe.dots.jpg"
        #expect(archive.entries.map(\.name).last == long)
        #expect(archive.bytes(of: archive.entries[0]) == Data("1\n".utf8))
        #expect(archive.bytes(of: archive.entries[6]) == archive.bytes(of: archive.entries[1]))
        #expect(try ImageCodec.decode(archive.bytes(of: archive.entries[2])).width == 8)
    }

    @Test func `a truncated archive names the member and the byte`() throws {
        let folder = try TemporaryFolder()
        let whole = tar([("a.jpg", Data(count: 700)), ("b.jpg", Data(count: 3000))])
        func message(_ count: Int) throws -> String? {
            let url = try folder.write("shard.tar", whole.prefix(count))
            do throws(Diagnostic) { _ = try TarArchive(url) } catch { return error.message }
            return nil
        }
        #expect(
            try message(3000)
                == "shard shard.tar is truncated: member 'b.jpg' at byte 1536 has 3000 bytes, "
                + "but the file ends after 952 of them")
        #expect(try message(1700) == "shard shard.tar is truncated: the header at byte 1536 is cut off")
        // Without its empty blocks an archive is complete all the same, and many programs leave them out.
        #expect(try message(whole.count - 1024) == nil)
        #expect(try message(0) == nil)
    }

    @Test func `a file that is no archive is said to be none`() throws {
        let folder = try TemporaryFolder()
        let text = try folder.write("notes.tar", String(repeating: "not a tar file. ", count: 100))
        let error = #expect(throws: Diagnostic.self) { try TarArchive(text) }
        #expect(error?.message == "shard notes.tar is not a tar file")
        #expect(error?.exitCode == .badData)

        var bytes = tar([("a.jpg", Data(count: 10)), ("b.jpg", Data(count: 10))])
        bytes[1024] = 0x7A
        let damaged = try folder.write("damaged.tar", bytes)
        #expect(throws: Diagnostic.self) { try TarArchive(damaged) }

        let missing = #expect(throws: Diagnostic.self) {
            try TarArchive(folder.url.appending(path: "none.tar"))
        }
        #expect(missing?.exitCode == .inputMissing)
        #expect(missing?.message.hasSuffix("none.tar: No such file or directory") == true)
    }

    @Test func `a size beyond the file cannot be made to look small`() throws {
        let folder = try TemporaryFolder()
        var bytes = tar([("a.jpg", Data(count: 10))])
        // Base 256, the largest number the field can hold.
        bytes.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0xFF, count: 11))
        let sum = bytes.prefix(512).enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element))
        }
        bytes.replaceSubrange(148..<156, with: Data((String(sum, radix: 8) + "\0      ").utf8.prefix(8)))
        let url = try folder.write("huge.tar", bytes)
        let error = #expect(throws: Diagnostic.self) { try TarArchive(url) }
        #expect(error?.message == "shard huge.tar is damaged: impossible size at byte 0")
    }
}

@Suite struct BraceExpansionTests {
    @Test func `ranges keep their width and lists their order`() throws {
        #expect(try BraceExpansion.expand("plain.tar") == ["plain.tar"])
        #expect(
            try BraceExpansion.expand("p-{000008..000011}.tar").map { $0.dropFirst(2) } == [
                "000008.tar", "000009.tar", "000010.tar", "000011.tar",
            ])
        #expect(try BraceExpansion.expand("{9..11}") == ["9", "10", "11"])
        #expect(try BraceExpansion.expand("{2..0}") == ["2", "1", "0"])
        #expect(try BraceExpansion.expand("{b,a}/x") == ["b/x", "a/x"])
    }

    @Test func `braces multiply, nest, and stand for themselves where they say nothing`() throws {
        #expect(try BraceExpansion.expand("{a,b}{0..1}") == ["a0", "a1", "b0", "b1"])
        #expect(try BraceExpansion.expand("{x,y{0..2},}.t") == ["x.t", "y0.t", "y1.t", "y2.t", ".t"])
        #expect(try BraceExpansion.expand("{x}") == ["{x}"])
        #expect(try BraceExpansion.expand("{a..b}") == ["{a..b}"])
    }

    @Test(arguments: ["{0..3", "a}b", "{a,{b}", "x{a,b}}"])
    func `unbalanced braces are an error`(pattern: String) {
        let error = #expect(throws: Diagnostic.self) { try BraceExpansion.expand(pattern) }
        #expect(error?.message.hasPrefix("unbalanced braces in '") == true)
    }

    @Test(arguments: [
        "{0..9999999999}", "{9223372036854775807..0}", String(repeating: "{a,b}", count: 64),
        "{{0..999999},{0..999999}}",
        String(repeating: "{", count: 5000) + String(repeating: "}", count: 5000),
    ])
    func `what stands for more names than anybody has shards is refused`(_ pattern: String) throws {
        let error = try #require(throws: Diagnostic.self) { try BraceExpansion.expand(pattern) }
        #expect(error.message.hasSuffix("stands for more than 1000000 names"))
    }
}
