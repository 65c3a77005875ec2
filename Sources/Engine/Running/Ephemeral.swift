internal import Foundation

// An artifact of a stage that says `ephemeral: true` may go once everything that reads it is made. Its record is kept,
// so that the keys of its readers stay known; it is made again only when something needs it.

extension Store {
    private func droppedPath(_ key: String) -> String { path("dropped/\(key).json") }

    /// The record of an artifact that was dropped.
    func dropped(_ key: String) -> ArtifactRecord? {
        guard let data = FileManager.default.contents(atPath: droppedPath(key)),
            let record = try? JSONDecoder().decode(ArtifactRecord.self, from: data), record.key == key
        else { return nil }
        return record
    }

    /// Deletes an artifact and keeps its record; a crash leaves it whole or dropped.
    func drop(_ record: ArtifactRecord) throws {
        try disk.replace(droppedPath(record.key), with: try CanonicalJSON.document(record))
        let remains = path("dropped/\(record.key).removed")
        try disk.removeFolder(remains)
        try disk.move(artifactPath(record.key), to: remains)
        try disk.sync(path("store"))
        try disk.removeFolder(remains)
    }
}

extension Execution {
    /// Drops what a node read, where nothing else in the pipeline still has to.
    func dropInputs(of node: Graph.Node) {
        for producer in Set(node.inputs.map(\.producer)) where graph.nodes[producer].isEphemeral {
            let readers = graph.nodes.indices.filter { index in
                graph.nodes[index].inputs.contains { $0.producer == producer }
            }
            guard let record = records[producer], readers.allSatisfy({ records[$0] != nil }),
                // A gate looks into the artifact when the run ends.
                !graph.gates.contains(where: { $0.nodes.contains(producer) }),
                case .present = store.status(of: record.key), isAlone
            else { continue }
            let name = graph.nodes[producer].name
            do {
                try store.drop(record)
                emit(.stage(node: name, .log(message: "dropped: everything that reads it is made")))
            } catch {
                emit(.stage(node: name, .warning(message: "it could not be dropped: \(error)", hint: nil)))
            }
        }
    }

    /// Whether no other run, which might read the same artifacts, is at work.
    private var isAlone: Bool {
        let history = RunHistory(store)
        return history.identifiers().allSatisfy { $0 == folder.id || !history.mayBeAtWork($0) }
    }
}
