import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct DiskTests {
    @Test func `names of files that are being written are told from all others`() {
        let names = (0..<50).map { _ in Disk.temporaryName(for: "plan.json") }
        #expect(Set(names).count == 50)
        #expect(names.allSatisfy(Disk.isTemporary))
        for name in [".plan.json.4711.tmp", ".a.1.tmp", ".a.1-0123456789abcdef.tmp"] {
            #expect(Disk.isTemporary(name), "\(name)")
        }
        for name in [
            "plan.json.4711.tmp", ".plan.json.tmp", ".4711.tmp", ".half.tmp", ".a.1-.tmp", ".a.1-23.tmp",
            ".a.1-0123456789abcdef-1.tmp", ".a.x1.tmp", ".a.1.tmp2", ".gitignore", ".a..tmp",
        ] { #expect(!Disk.isTemporary(name), "\(name)") }
    }

    @Test func `a folder that may not be written is removed, and moved away`() throws {
        let folder = try TemporaryFolder()
        let disk = Disk()
        func make(_ name: String) throws -> String {
            try folder.write("x", to: "\(name)/in/deep/file")
            let path = folder.appending(name).path
            #expect(symlink("/nowhere", "\(path)/in/link") == 0)
            for place in ["in/deep", "in", ""] { #expect(chmod("\(path)/\(place)", 0o555) == 0) }
            return path
        }
        try disk.removeFolder(try make("one"))
        try disk.move(try make("two"), to: folder.appending("three").path)
        try disk.removeFolder(folder.appending("three").path)
        try disk.emptyFolder(try make("four"))
        #expect(symlink("/nowhere", folder.appending("five").path) == 0)
        try disk.removeFolder(folder.appending("five").path)
        try disk.removeFolder(folder.appending("six").path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["four"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appending("four").path) == [])
    }

    @Test func `what cannot be removed says why`() throws {
        // The kernel's own files stay.
        let error = try #require(throws: StoreError.self) { try Disk().removeFolder("/proc/self/ns") }
        #expect([EPERM, EACCES].contains(error.code))
        #expect(error.description.hasPrefix("cannot remove '/proc/self/ns/"))
    }
}
