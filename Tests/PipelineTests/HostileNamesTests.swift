import Foundation
import TestSupport
import Testing
import Vision

/// Names that would lead out of the folders they belong in, from files that others wrote.
@Suite struct HostileNamesTests {
    @Test func `no name in an archive, a manifest or a pipeline leads out of the store`() throws {
        let retort = try Retort()
        let mark = "evil-\(UUID().uuidString)"
        let pixels = [UInt8](repeating: 77, count: 16 * 16 * 3)
        let picture = try ImageCodec.encodePNG(Image(width: 16, height: 16, pixels: pixels))
        let inner = retort.folder.appending("a/b")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        try picture.write(to: inner.appending(path: "\(mark).png"))
        // Members named ../../evil.png and /tmp/evil.png.
        for (number, prefix) in ["../../", "/tmp/"].enumerated() {
            let tar = Process()
            tar.executableURL = URL(filePath: "/usr/bin/env")
            tar.currentDirectoryURL = inner
            tar.arguments = [
                "tar", "-cPf", "../../shard-\(number).tar", "--transform", "s,^,\(prefix),", "\(mark).png",
            ]
            try tar.run()
            tar.waitUntilExit()
            #expect(tar.terminationStatus == 0)
        }
        try picture.write(to: retort.folder.appending("outside.png"))
        try retort.folder.write(
            """
            path,label,split
            ../outside.png,x,train
            /etc/passwd,x,train

            """, to: "list/food.csv")
        try retort.folder.write(
            """
            retort: 1
            name: ..
            data:
              pool: {kind: webdataset, shards: "shard-{0..1}.tar"}
              food: {kind: manifest, file: list/food.csv, max_bad: 1}

            """, to: "p.yaml")
        try FileManager.default.removeItem(at: inner)
        let outcome = try retort.run("run", "p.yaml", "--progress", "none")
        #expect(outcome.code == 0, "\(outcome.errors)")
        // What is no image is put aside, wherever it lies; nothing of it is kept.
        let aside = String(decoding: try retort.artifact("food", "quarantine.jsonl"), as: UTF8.self)
        #expect(aside.contains("/etc/passwd") && !aside.contains("root:"))
        #expect(try retort.run("verify").code == 0)
        #expect(try retort.run("gc", "--max-size", "0B", "--delete").code == 0)
        let files = try retort.folder.files()
        #expect(!files.contains { $0.contains(mark) })
        #expect(
            files.allSatisfy {
                !$0.hasPrefix("Artifacts/") || $0.split(separator: "/").count > 2
                    || $0.hasSuffix("digests.json") || $0.hasSuffix("runs.lock")
            })
        #expect(!FileManager.default.fileExists(atPath: "/tmp/\(mark).png"))
        let beside = retort.folder.url.deletingLastPathComponent()
        #expect(!FileManager.default.fileExists(atPath: beside.appending(path: "\(mark).png").path))
    }

    @Test func `control characters of a pipeline are shown, and do not reach the terminal`() throws {
        let retort = try Retort()
        try retort.folder.write(
            #"""
            retort: 1
            name: signs
            data:
              food: {kind: imagefolder, root: "no\e[31m\nwhere"}
            """#, to: "p.yaml")
        let config = try retort.run("config", "p.yaml")
        #expect(config.code == 0, "\(config.errors)")
        #expect(config.output.contains(#"no\u{1B}[31m\nwhere"#), "\(config.output)")
        let plan = try retort.run("plan", "p.yaml")
        #expect(plan.code == 66, "\(plan.errors)")
        #expect(plan.errors.contains(#"no\u{1B}[31m"#), "\(plan.errors)")
        #expect(!(config.output + plan.output + plan.errors).contains("\u{1B}"))
    }
}
