internal import Foundation

/// Executes a stage in a scratch folder that goes away afterwards: nothing of it is published.
struct ScratchExecution {
    let store: Store
    let graph: Graph
    let node: Graph.Node
    /// What the stage reads, in the order of the node's inputs.
    let inputs: [ArtifactRecord.InputRecord]
    let options: ExecutionOptions

    /// Executes the stage under a key; `body` gets the folder of what it has made.
    func run<Result>(
        _ key: String, stop: StopRequest = StopRequest(),
        report: @escaping (StageEvent) throws -> Void = { _ in },
        _ body: (_ output: String) throws -> Result
    ) throws -> Result {
        let use = try store.use()
        defer { withExtendedLifetime(use) {} }
        // A process in another container may have the same number.
        let scratch = store.path("replay/\(key.prefix(16))-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
        try store.disk.removeFolder(scratch)
        for name in ["output", "state"] { try store.disk.createFolder("\(scratch)/\(name)") }
        // Who tidies up the store must see that somebody is at work here.
        let sign = try LifeSign(scratch)
        var owner = ProcessOwner.current()
        owner.holdsLock = sign.isLocked
        try store.disk.replace(
            "\(scratch)/\(RunFolder.owner)", with: try CanonicalJSON.document(owner), isDurable: false)
        defer {
            withExtendedLifetime(sign) {}
            try? store.disk.removeFolder(scratch)
            rmdir(store.path("replay"))
        }
        var setup = StageContext.Setup(
            node: node.name, output: URL(filePath: "\(scratch)/output", directoryHint: .isDirectory),
            state: URL(filePath: "\(scratch)/state", directoryHint: .isDirectory), store: store.artifacts,
            directory: graph.spec.directory, execution: options)
        setup.matrix = node.matrix
        setup.locations = node.locations
        setup.inputs = zip(node.inputs, inputs).map { edge, input in
            StageInput(
                edge.input,
                at: ArtifactLocation(
                    directory: store.folder(of: input.key), selector: edge.selector, node: input.node,
                    store: store.artifacts))
        }
        let context = StageContext(setup, stop: stop, report: report)
        for (name, inputs) in Dictionary(grouping: setup.inputs, by: \.name) {
            try node.stage.input(name).fill(inputs.map(\.location))
        }
        _ = try node.stage.run(in: context)
        try context.finish()
        return try body("\(scratch)/output")
    }
}

extension ScratchExecution {
    /// The scratch folders whose processes have died, as far as can be told from here, as paths below the store's root.
    static func leftovers(in store: Store) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: store.path("replay"))) ?? []
        return names.sorted().map { "replay/\($0)" }.filter {
            LifeSign.isAlive(store.path($0)) == false
        }
    }
}
