import Diagnostics
import Engine
import Foundation
import Manifest

/// Writes the text as `food.yaml` into a folder of its own and resolves it, naming the file without its folder.
func pipeline(
    _ text: String, overrides: [String] = [], profile: String? = nil, environment: [String: String] = [:]
) throws(Problems) -> PipelineSpec {
    let folder = FileManager.default.temporaryDirectory.appending(
        path: "retort-\(UUID().uuidString)", directoryHint: .isDirectory)
    defer { try? FileManager.default.removeItem(at: folder) }
    do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: folder.appending(path: "food.yaml"))
    } catch {
        throw Problems([Diagnostic("\(error)", exitCode: .bug)])
    }
    return try Manifest.load(
        file: URL(filePath: "food.yaml", relativeTo: folder), overrides: overrides, profile: profile,
        environment: environment)
}

/// The rendered problems of a pipeline, and the exit code they lead to.
func problems(
    _ text: String, overrides: [String] = [], profile: String? = nil, environment: [String: String] = [:]
) -> String {
    do {
        _ = try pipeline(text, overrides: overrides, profile: profile, environment: environment)
        return "no problem"
    } catch {
        return "\(error)\nexit \(error.exitCode.rawValue)"
    }
}

extension PipelineSpec {
    /// The settings of a node in YAML's flow style.
    func settings(_ node: String) -> String {
        let entries = nodes.first { $0.name == node }?.entries ?? []
        return PipelineValue(.map(entries), at: SourceLocation("", 1, 1)).flow
    }
}

extension PipelineValue {
    /// The value in YAML's flow style.
    var flow: String {
        switch content {
        case .scalar(let text): text
        case .list(let values): "[" + values.map(\.flow).joined(separator: ", ") + "]"
        case .map(let entries):
            "{" + entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
        }
    }
}
