import Diagnostics
import Engine
import Foundation
import Manifest
import Testing

@Suite struct IncludeTests {
    /// Writes files into a folder of their own and resolves the first one.
    private func load(
        _ files: KeyValuePairs<String, String>, overrides: [String] = [], profile: String? = nil
    )
        throws -> PipelineSpec
    {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "retort-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try Manifest.load(
            file: URL(filePath: files[0].key, relativeTo: folder), overrides: overrides, profile: profile)
    }

    private func problems(_ files: KeyValuePairs<String, String>) throws -> String {
        let problems = try #require(throws: Problems.self) { try load(files) }
        // The folder's name is the test's, not the reader's.
        return problems.description.replacing(/\/\S*retort-[0-9A-F-]+/, with: "FOLDER")
    }

    private static let base = """
        retort: 1
        name: base
        vars: {epochs: 3, rate: 0.1}
        stages:
          a: {uses: train, epochs: "${vars.epochs}", rate: "${vars.rate}"}
          b: {uses: train, epochs: 1}
        gates: ["a.x == 0"]
        profiles:
          smoke: {vars: {epochs: 1}}
        """

    @Test func `the including file is the stronger one, key by key`() throws {
        let spec = try load([
            "food.yaml": """
            retort: 1
            include: shared/base.yaml
            vars: {epochs: 5}
            stages:
              b: {rate: 0.5}
              c: {uses: train}
            gates: ["b.y == 0"]
            """, "shared/base.yaml": Self.base,
        ])
        #expect(spec.name == "base")
        #expect(spec.settings("a") == "{epochs: 5, rate: 0.1}")
        #expect(spec.settings("b") == "{epochs: 1, rate: 0.5}")
        #expect(spec.nodes.map(\.name) == ["a", "b", "c"])
        #expect(spec.gates.map(\.text) == ["a.x == 0", "b.y == 0"])
        #expect(spec.nodes[0].nameLocation.description == "shared/base.yaml:5:3")
        #expect(spec.sources["b.epochs"] == "shared/base.yaml:6:20")
        #expect(spec.sources["b.rate"] == "food.yaml:5:7")
    }

    @Test func `profiles and overrides are stronger than both`() throws {
        let files: KeyValuePairs = [
            "food.yaml": "retort: 1\ninclude: [base.yaml]\nprofiles: {smoke: {b.epochs: 9}}",
            "base.yaml": Self.base,
        ]
        let spec = try load(files, overrides: ["vars.rate=7"], profile: "smoke")
        #expect(spec.settings("a") == "{epochs: 1, rate: 7}")
        #expect(spec.settings("b") == "{epochs: 9}")
    }

    @Test func `of two included files the later is the stronger, and they may include others`() throws {
        let spec = try load([
            "food.yaml": "retort: 1\ninclude: [one.yaml, sub/two.yaml]",
            "one.yaml": "vars: {epochs: 8}\nstages: {a: {uses: first}}",
            "sub/two.yaml": "include: ../base.yaml\nstages: {a: {uses: second}}", "base.yaml": Self.base,
        ])
        #expect(spec.nodes[0].uses == "second")
        #expect(spec.settings("a") == "{epochs: 3, rate: 0.1}")
    }

    @Test func `a file that is included on several ways counts once, below those that name it`() throws {
        let spec = try load([
            "food.yaml": "retort: 1\ninclude: [one.yaml, sub/two.yaml]\ngates: [\"c.z == 0\"]",
            "one.yaml": "include: base.yaml\nvars: {epochs: 8}\ngates: [\"b.y == 0\"]",
            "sub/two.yaml": "include: [../base.yaml, ../sub/../one.yaml]\nstages: {c: {uses: train}}",
            "base.yaml": Self.base,
        ])
        #expect(spec.settings("a") == "{epochs: 8, rate: 0.1}")
        #expect(spec.gates.map(\.text) == ["a.x == 0", "b.y == 0", "c.z == 0"])
    }

    @Test func `a problem of a file that is included twice is reported once`() throws {
        #expect(
            try problems([
                "food.yaml": "retort: 1\ninclude: [one.yaml, two.yaml]", "one.yaml": "include: broken.yaml",
                "two.yaml": "include: broken.yaml", "broken.yaml": "- a",
            ]) == "broken.yaml:1:1: error: an included file is a map of sections")
    }

    @Test(.timeLimit(.minutes(1)))
    func `a chain of files that include the next one twice is read in no time`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "retort-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for index in 0..<40 {
            let next = "\(index + 1).yaml"
            let text = "retort: 1\ninclude: [\(next), \(next)]\ngates: [\"a.x == \(index)\"]"
            try Data(text.utf8).write(to: folder.appending(path: "\(index).yaml"))
        }
        try Data("stages: {a: {uses: train}}".utf8).write(to: folder.appending(path: "40.yaml"))
        let spec = try Manifest.load(file: URL(filePath: "0.yaml", relativeTo: folder))
        #expect(spec.gates.count == 40)
    }

    @Test func `circles, missing files and mistakes in included ones are located`() throws {
        #expect(
            try problems([
                "food.yaml": "retort: 1\ninclude: sub/a.yaml", "sub/a.yaml": "include: b.yaml",
                "sub/b.yaml": "include:\n  - ../food.yaml",
            ]) == """
                sub/b.yaml:2:5: error: files include each other in a circle: food.yaml → a.yaml → b.yaml → food.yaml
                """)
        #expect(
            try problems(["food.yaml": "retort: 1\ninclude: [gone.yaml, {a: b}]"]) == """
                food.yaml:2:11: error: the included file 'gone.yaml' does not exist
                  hint: it is looked for at FOLDER/gone.yaml
                food.yaml:2:22: error: an included file must be a single value, not a map
                """)
        #expect(
            try problems(["food.yaml": "retort: 1\ninclude: a.yaml", "a.yaml": "stages: {x: {usess: y}}"])
                == """
                a.yaml:1:10: error: 'x' does not say what it is
                  hint: add 'uses:', such as 'uses: fine-tune'
                """)
    }
}
