import Diagnostics
import Engine
import Foundation
import Manifest
import Testing

@Suite struct LoadTests {
    static let food = """
        retort: 1
        name: food
        vars: {pool: data/yfcc, keep: 100k}
        data:
          target: {kind: imagefolder, root: data/food, split: {train: train.txt}}
          pool: {kind: webdataset, shards: "${vars.pool}/{00000..01499}.tar"}
        models:
          vfm: {weights: vfm.safetensors}
        stages:
          teacher: {uses: fine-tune, model: vfm, train: target.train, epochs: 20}
          transfer: {uses: distill, teacher: teacher, images: [pool, target], size: "${vars.keep}"}
        matrix: {seed: {values: [0, 1], to: [transfer]}}
        gates: ["curate.leakage.exact == 0"]
        profiles:
          smoke: {vars: {keep: 512}, transfer.epochs: 1, teacher: {epochs: 2}}
        """

    @Test func `a pipeline file becomes its nodes, axes and gates`() throws {
        let spec = try pipeline(Self.food)
        #expect(spec.name == "food")
        #expect(spec.file == "food.yaml")
        #expect(spec.nodes.map(\.name) == ["target", "pool", "vfm", "teacher", "transfer"])
        #expect(spec.nodes.map(\.section) == [.data, .data, .models, .stages, .stages])
        #expect(
            spec.nodes.map(\.uses) == ["imagefolder", "webdataset", "import-model", "fine-tune", "distill"])
        #expect(spec.settings("pool") == "{shards: data/yfcc/{00000..01499}.tar}")
        #expect(spec.settings("transfer") == "{teacher: teacher, images: [pool, target], size: 100k}")
        #expect(spec.matrix.map(\.name) == ["seed"])
        #expect(spec.matrix.map(\.values) == [["0", "1"]])
        #expect(spec.matrix.map(\.to) == [["transfer"]])
        #expect(spec.gates.map(\.text) == ["curate.leakage.exact == 0"])
    }

    @Test func `keys and values know where they stand`() throws {
        let spec = try pipeline(Self.food)
        let teacher = try #require(spec.nodes.first { $0.name == "teacher" })
        #expect(teacher.nameLocation == SourceLocation("food.yaml", 10, 3))
        #expect(teacher.usesLocation == SourceLocation("food.yaml", 10, 19))
        let epochs = try #require(teacher.entries.last)
        #expect(epochs.keyLocation == SourceLocation("food.yaml", 10, 63))
        #expect(epochs.value.location == SourceLocation("food.yaml", 10, 71))
    }

    @Test func `scalars stay the text that was written`() throws {
        let spec = try pipeline(
            """
            retort: 1
            stages: {a: {uses: x, lr: 3e-4, flag: no, code: 010, time: 12:30:00, quoted: "0x1F", none: ~, empty: }}
            """)
        #expect(
            spec.settings("a")
                == "{lr: 3e-4, flag: no, code: 010, time: 12:30:00, quoted: 0x1F, none: ~, empty: }")
    }

    @Test func `a file without a name takes its own, and paths are relative to the user`() throws {
        let spec = try pipeline("retort: 1\nstages: {a: {uses: x}}")
        #expect(spec.name == "food")
        #expect(spec.directory.hasDirectoryPath)
        #expect(spec.directory.standardizedFileURL.path == FileManager.default.currentDirectoryPath)
    }

    @Test func `anchors and merge keys share settings, and a node's own settings win`() throws {
        let spec = try pipeline(
            """
            retort: 1
            x-student: &student {uses: distill, epochs: 30, lr: 1e-3}
            stages:
              random: {<<: *student, images: a}
              best: {images: b, epochs: 3, <<: [*student, {lr: 7, seed: 1}]}
            """)
        #expect(spec.settings("random") == "{images: a, epochs: 30, lr: 1e-3}")
        #expect(spec.settings("best") == "{images: b, epochs: 3, lr: 1e-3, seed: 1}")
        #expect(spec.nodes.map(\.uses) == ["distill", "distill"])
    }

    @Test func `a matrix axis may be a bare list`() throws {
        let spec = try pipeline("retort: 1\nstages: {a: {uses: x}}\nmatrix: {seed: [0, 1, 2]}")
        #expect(spec.matrix.map(\.values) == [["0", "1", "2"]])
        #expect(spec.matrix.map(\.to) == [nil])
    }

    @Test func `a missing file is named, with a neighbour it may have been`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "retort-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data().write(to: folder.appending(path: "quickstart.yaml"))
        let error = #expect(throws: Problems.self) {
            try Manifest.load(file: URL(filePath: "quikstart.yaml", relativeTo: folder))
        }
        #expect(
            error?.description == """
                error: the pipeline file 'quikstart.yaml' does not exist
                  hint: did you mean 'quickstart.yaml'?
                """)
        #expect(error?.exitCode == .inputMissing)
        let other = #expect(throws: Problems.self) {
            try Manifest.load(
                file: URL(filePath: folder.lastPathComponent, relativeTo: folder.deletingLastPathComponent()))
        }
        #expect(
            other?.description == """
                error: '\(folder.lastPathComponent)' is a folder, not a pipeline file
                  hint: it has quickstart.yaml
                """)
    }
}
