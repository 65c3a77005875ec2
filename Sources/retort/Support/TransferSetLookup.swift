import Diagnostics
import Engine
import Foundation
import Stages

/// A transfer set as the command line names it: by its stage, or by its folder.
struct TransferSetLookup {
    /// The folder of the artifact.
    let folder: URL
    /// The node that made it, without its matrix point; names its files of marks and answers.
    let stage: String
    /// The pipeline of the run in which it was found.
    private let pipeline: PipelineSpec?

    init(_ name: String, run: String?, in store: Store) throws {
        let given = URL(filePath: name, directoryHint: .isDirectory)
        if FileManager.default.fileExists(atPath: given.appending(path: "transfer-set.jsonl").path) {
            folder = given.resolvingSymlinksInPath()
            pipeline = nil
        } else {
            let found = try ArtifactLookup(store).artifact(of: name, run: run)
            folder = found.folder.resolvingSymlinksInPath()
            pipeline = try RunHistory(store).pipeline(of: found.run)
        }
        let node = (try? ArtifactRecord.read(at: folder))?.node ?? folder.lastPathComponent
        stage = String(node.prefix { $0 != "[" }).replacing("/", with: "_")
    }

    /// Where the marks of the set lie: where its stage says, else in `marks/` beside the pipeline file.
    var marks: URL {
        let node = pipeline?.nodes.first { $0.name == stage }
        if let path = node?.entries.first(where: { $0.key == "marks" })?.value.scalar, !path.isEmpty {
            return URL(filePath: path, relativeTo: directory).standardizedFileURL
        }
        return directory.appending(path: "marks/\(stage).jsonl")
    }

    /// Whether the stage reads the marks.
    var readsMarks: Bool {
        pipeline?.nodes.first { $0.name == stage }?.entries.contains { $0.key == "marks" } ?? false
    }

    /// The newest labels that a teacher gave to the set; nil when no run has any.
    func labels(in store: Store) -> URL? {
        guard let key = (try? ArtifactRecord.read(at: folder))?.key else { return nil }
        let history = RunHistory(store)
        for run in history.identifiers() {
            for stage in (try? history.summary(of: run).stages) ?? [] {
                guard let made = history.artifact(of: stage.name, run: run),
                    let record = try? ArtifactRecord.read(at: made), record.kind == LabelSet.kind,
                    record.inputs.contains(where: { $0.key == key })
                else { continue }
                return made.resolvingSymlinksInPath()
            }
        }
        return nil
    }

    /// Where the answers of an audit lie.
    var audit: URL { directory.appending(path: "audit/\(stage).jsonl") }

    private var directory: URL {
        pipeline?.directory
            ?? URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    }
}
