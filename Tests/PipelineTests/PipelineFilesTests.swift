import Engine
import Foundation
import Manifest
import Report
import Testing

/// Every pipeline that ships: it loads, binds and expands.
@Suite struct PipelineFilesTests {
    private static let folder = Retort.root.appending(path: "Pipelines")

    private static let files = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test(arguments: files) func `binds`(_ name: String) throws {
        let spec = try load(file: Self.folder.appending(path: name), environment: [:])
        let graph = try Graph(spec, catalog: stageCatalog)
        #expect(!graph.nodes.isEmpty)
    }

    @Test(arguments: files) func `says what it shows, what it costs and how to read it`(_ name: String) throws
    {
        let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        for heading in ["# What it shows", "# What it costs", "# How to read it"] {
            #expect(text.contains(heading), "\(name) lacks '\(heading)'")
        }
    }

    @Test(arguments: files) func `its smoke profile binds, too`(_ name: String) throws {
        let spec = try load(file: Self.folder.appending(path: name), profile: "smoke", environment: [:])
        _ = try Graph(spec, catalog: stageCatalog)
    }
}
