import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Export

@Suite struct OnnxVerificationTests {
    /// Whether this machine's `python3` can run ONNX files.
    static let hasRuntime: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import numpy, onnxruntime"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// A program that stands in for Python; `$4` is the file, `$5` the folder of images and outputs.
    private func python(_ commands: String, in folder: TemporaryFolder) throws -> OnnxVerification.Policy {
        let file = try folder.write("#!/bin/sh\n\(commands)\n", to: "python")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return .python(file.path)
    }

    private func verify(_ policy: OnnxVerification.Policy) throws -> OnnxVerification.Outcome {
        let folder = try TemporaryFolder()
        let export = try ExportCase.all[2].export()
        let file = folder.appending("model.onnx")
        var outcome: OnnxVerification.Outcome?
        try export.write(to: file) { outcome = try OnnxVerification(policy)($0, of: export) }
        #expect(FileManager.default.fileExists(atPath: file.path))
        return try #require(outcome)
    }

    @Test(
        .enabled(if: hasRuntime, "python3 has no onnxruntime; the fixtures prove the same for today's files"),
        arguments: ExportCase.all)
    func `onnxruntime computes the same`(_ test: ExportCase) throws {
        let folder = try TemporaryFolder()
        let export = try test.export()
        var outcome: OnnxVerification.Outcome?
        try export.write(to: folder.appending("model.onnx")) {
            outcome = try OnnxVerification(.auto)($0, of: export)
        }
        #expect(outcome?.isVerified == true, "\(outcome?.description ?? "")")
    }

    @Test func `nobody looks unless asked, or able, to`() throws {
        #expect(OnnxVerification.Policy("never") == .never)
        #expect(OnnxVerification.Policy("auto") == .auto)
        #expect(OnnxVerification.Policy("python3.11") == .python("python3.11"))
        #expect(try verify(.never).description == "not verified: not asked for")
    }

    @Test func `a Python that was named must have onnxruntime`() throws {
        let folder = try TemporaryFolder()
        let policy = try python("echo \"No module named 'onnxruntime'\"; exit 3", in: folder)
        let problem = #expect(throws: Diagnostic.self) { try verify(policy) }
        #expect(
            problem?.description == """
                error: cannot verify with '\(folder.url.path)/python': No module named 'onnxruntime'
                  hint: install onnxruntime and numpy there, or pass '--verify never'
                """)
        #expect(throws: Diagnostic.self) { try verify(.python("no-such-python")) }
    }

    @Test(arguments: [
        ("echo broken >&2; exit 1", "onnxruntime cannot run the exported file: broken"),
        (
            "for b in 1 3; do cp \"$4/images-$b.f32\" \"$4/logits-$b.f32\"; done; echo 1.0",
            "onnxruntime's logits for 1 images differ by inf of their size; at most 0.0001 is allowed"
        ),
    ])
    func `a file that computes something else never gets its name`(commands: String, message: String) throws {
        let folder = try TemporaryFolder()
        let policy = try python(commands, in: folder)
        let export = OnnxExport(try ExportCase.all[4].model())
        let file = folder.appending("out/model.onnx")
        let problem = #expect(throws: Diagnostic.self) {
            try export.write(to: file) { _ = try OnnxVerification(policy)($0, of: export) }
        }
        #expect(problem?.message == message)
        #expect(problem?.exitCode == .bug)
        #expect(try folder.files() == ["python"])
    }

    @Test func `differences are measured by the largest number`() {
        #expect(OnnxVerification.difference([1, -4], [1, -4]) == 0)
        #expect(OnnxVerification.difference([1.5, -4], [1, -4]) == 0.125)
        #expect(OnnxVerification.difference([1], [1, 2]) == .infinity)
        #expect(OnnxVerification.difference([.nan], [1]) == .infinity)
        #expect(OnnxVerification.difference([0.1], [0]) == .infinity)
    }
}
