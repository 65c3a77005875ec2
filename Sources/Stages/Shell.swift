import Diagnostics
import Engine
import Foundation

/// Runs a command of the user's: whatever no stage of Retort does.
struct Shell: Stage {
    static let name: StageName = "shell"
    static let revision = 1
    static let summary = "Runs a command, and keeps the files it makes."
    @Setting(
        "The command, for sh. It runs where Retort was started; $OUT is the folder for what it makes, $IN_NAME the artifact of the stage NAME in 'in', $STATE a folder that is kept until the command has succeeded."
    )
    var cmd: String
    @Input(
        "The stages whose artifacts it reads, and files; a change of any of them runs it again.",
        isOptional: true)
    var `in`: [AnyArtifact]
    @Setting("The files among what 'in' names.", hashed: false) var files: [String] = []
    @Setting(
        "What it makes: files and folders in $OUT, or where Retort was started, from where they are moved into the artifact."
    )
    var out: [String] = []
    @Setting("Variables of its environment.") var env: [String: String] = [:]

    /// What `in` names is a file where no node has that name.
    static func arranged(_ entries: [PipelineEntry], nodes: Set<String>) -> [PipelineEntry] {
        entries.flatMap { entry -> [PipelineEntry] in
            guard entry.key == "in" else { return [entry] }
            let values: [PipelineValue] =
                if case .list(let values) = entry.value.content { values } else { [entry.value] }
            let isNode = { (value: PipelineValue) in
                guard let text = value.scalar else { return true }
                return nodes.contains(String(text.prefix { $0 != "." && $0 != "[" }))
            }
            func part(_ key: String, _ values: [PipelineValue]) -> PipelineEntry? {
                guard let first = values.first else { return nil }
                return PipelineEntry(
                    key, at: entry.keyLocation, PipelineValue(.list(values), at: first.location))
            }
            return [part("in", values.filter(isNode)), part("files", values.filter { !isNode($0) })]
                .compactMap(\.self)
        }
    }

    func validate() throws {
        for path in out where path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            throw Diagnostic(
                "out: '\(path)' leads out of the artifact",
                hint: "write a path below $OUT, such as 'model.bin'")
        }
        let names = out.map { ($0 as NSString).lastPathComponent }
        if Set(names).count < names.count {
            throw Diagnostic("out: two of \(out.joined(separator: ", ")) have the same name")
        }
    }

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        var digests: [String: String] = [:]
        for path in files {
            let file = environment.resolve(path)
            guard FileManager.default.fileExists(atPath: file.path) else {
                throw Diagnostic(
                    "in: there is neither a stage nor a file '\(path)'",
                    at: environment.location(of: "files"),
                    hint: "files are looked for in \(environment.directory.path)", exitCode: .inputMissing)
            }
            digests[path] = try Self.digest(of: file, environment.digests)
        }
        return digests
    }

    private static func digest(of file: URL, _ digests: DigestCache) throws -> String {
        guard try (file.resourceValues(forKeys: [.isDirectoryKey])).isDirectory == true else {
            return try digests.digest(of: file)
        }
        let paths = try FileManager.default.subpathsOfDirectory(atPath: file.path).sorted()
        let files = paths.map { file.appending(path: $0) }.filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder)
                && !isFolder.boolValue
        }
        return try digests.digest(of: files, below: file)
    }

    func run(in context: StageContext) throws -> CommandOutput {
        let files = FileManager.default
        // Half of what an interrupted command made must not pass for what this one makes.
        try context.emptyOutput()
        for path in out where files.fileExists(atPath: context.resolve(path).path) {
            throw Diagnostic(
                "out: '\(path)' is there before the command has run", at: context.sourceLocation(of: "out"),
                hint:
                    "move it away, or let the command write to $OUT; what it leaves here would be moved into the artifact",
                exitCode: .badData)
        }
        let log = context.output.appending(path: CommandOutput.logFile)
        try Command(cmd, environment: variables(context), directory: context.directory, log: log).run(
            in: context)
        // What the command has left running somewhere must not go on writing into what is published.
        try Data(contentsOf: log, options: .mappedIfSafe).write(to: log, options: .atomic)
        try collect(in: context)
        try context.advance(to: 1, of: 1)
        return try CommandOutput(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    private func variables(_ context: StageContext) -> [String: String] {
        var variables = env
        variables["OUT"] = context.output.path
        variables["STATE"] = context.state.path
        variables["RETORT_NODE"] = context.node
        for artifact in `in` {
            let name = artifact.location.node.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
            let folder = artifact.location.directory.path
            variables["IN_\(name)"] = folder
        }
        return variables
    }

    /// Moves what the command made elsewhere into the artifact, and checks that nothing is missing.
    private func collect(in context: StageContext) throws {
        let files = FileManager.default
        for path in out {
            let (inside, outside) = (context.output.appending(path: path), context.resolve(path))
            if files.fileExists(atPath: inside.path) { continue }
            guard files.fileExists(atPath: outside.path) else {
                throw Diagnostic(
                    "out: the command did not make '\(path)'", at: context.sourceLocation(of: "out"),
                    hint: "it is looked for in $OUT and in \(context.directory.path)", exitCode: .badData)
            }
            try files.createDirectory(
                at: inside.deletingLastPathComponent(), withIntermediateDirectories: true)
            try files.moveItem(at: outside, to: inside)
        }
    }
}

/// The files that a command made.
struct CommandOutput: Artifact {
    static let kind = "files"
    static let logFile = "command.log"
    /// What a command prints tells times, as likely as not.
    static let records: Set<String> = [logFile]

    let location: ArtifactLocation

    init(_ location: ArtifactLocation) throws { self.location = location }

    static func files(for selector: String) -> [String]? { [selector] }
}
