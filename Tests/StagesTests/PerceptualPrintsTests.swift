import Engine
import Foundation
import TestSupport
import Testing

@testable import Stages

@Suite struct PerceptualPrintsTests {
    private func id(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8) + digits + String(repeating: "f", count: 24 - digits.count)
    }

    @Test func `hashes are found by content id, whatever the order they were written in`() throws {
        let folder = try TemporaryFolder()
        let hashes = { (number: Int) in (0..<24).map { UInt64(number * 1000 + $0) } }
        let numbers = [17, 3, 250, 1, 99, 3]
        try PerceptualPrints.write(numbers.map { (id($0), hashes($0)) }, to: folder.url)
        let prints = try #require(try PerceptualPrints(scan: folder.url))
        for number in numbers { #expect(prints.find(id(number)) == hashes(number)) }
        for unknown in [id(0), id(2), id(300), "", "none", String(repeating: "x", count: 32)] {
            #expect(prints.find(unknown) == nil)
        }
    }

    @Test func `a file that is not what was published is refused`() throws {
        let folder = try TemporaryFolder()
        try PerceptualPrints.write([(id(1), (0..<24).map { UInt64($0) })], to: folder.url)
        let file = folder.appending(PerceptualPrints.file)
        var bytes = try Data(contentsOf: file)
        try folder.write(
            """
            {"format": 2, "kind": "images", "node": "pool", "stage": "imagefolder", "revision": 1, "key": "key",
             "components": {}, "inputs": [], "counts": {}, "facts": {}, "digest": "", "retort": "",
             "timings": {"started": "", "finished": "", "seconds": 0},
             "files": [{"path": "perceptual.safetensors", "bytes": \(bytes.count), "role": "record",
                        "sha256": "\(SHA256.digest(of: bytes))"}]}
            """, to: ArtifactRecord.fileName)
        #expect(try PerceptualPrints(scan: folder.url)?.find(id(1)) != nil)
        // A bit of a hash: the file can be read as before.
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: file)
        let damage = try #require(throws: Damage.self) { try PerceptualPrints(scan: folder.url) }
        #expect(damage.description == "perceptual.safetensors has other bytes than were published")
        #expect(damage.artifact == "key")
    }

    @Test func `a scan without the file has none, and an empty one finds nothing`() throws {
        let folder = try TemporaryFolder()
        #expect(try PerceptualPrints(scan: folder.url) == nil)
        try PerceptualPrints.write([], to: folder.url)
        #expect(try #require(try PerceptualPrints(scan: folder.url)).find(id(1)) == nil)
    }
}
