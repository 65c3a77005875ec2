import Diagnostics
import Foundation
import Stages
import TestSupport
import Testing

@Suite struct FolderDraftTests {
    private struct Stopped: Error {}
    private let root: TemporaryFolder

    init() throws { root = try TemporaryFolder() }

    private func names() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root.url.path).sorted()
    }

    private func write(_ name: String, _ text: String = "x") throws {
        try FolderDraft.write(root.appending(name)) {
            try Data(text.utf8).write(to: $0.appending(path: "file"))
        }
    }

    @Test func `a folder has its contents at the end, and nothing is left beside it`() throws {
        let seen = try FolderDraft.write(root.appending("deep/out")) { draft in
            try Data("x".utf8).write(to: draft.appending(path: "file"))
            return try FileManager.default.contentsOfDirectory(atPath: root.appending("deep/out").path)
        }
        #expect(seen == [])
        #expect(try names() == ["deep", "deep/out", "deep/out/file"])
    }

    @Test func `what fails leaves an empty folder, and what a kill left is in nobody's way`() throws {
        #expect(throws: Stopped.self) {
            try FolderDraft.write(root.appending("out")) { draft in
                try Data("x".utf8).write(to: draft.appending(path: "half"))
                throw Stopped()
            }
        }
        #expect(try names() == ["out"])
        try root.write("half", to: ".out.partial/half")
        try write("out")
        #expect(try names() == ["out", "out/file"])
    }

    @Test func `what lies there stays`() throws {
        try root.write("mine", to: "full/mine")
        try root.write("mine", to: "file")
        func message(_ name: String) -> String? {
            #expect(throws: Diagnostic.self) { try write(name) }?.description
        }
        let hint = "\n  hint: name a folder that is empty, or is not there yet"
        #expect(message("full") == "error: \(root.appending("full").path) is not empty" + hint)
        #expect(message("file") == "error: \(root.appending("file").path) is no folder" + hint)
        #expect(try names() == ["file", "full", "full/mine"])
    }
}
