import Diagnostics
import Engine
import Foundation

/// Runs a command of the user's: whatever no stage of Retort does.
struct Shell: Stage {
    static let name: StageName = "shell"
    static let revision = 2
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

    /// What `in` names is a file where no node has that name; `train.py` in `train`, which cannot read itself, is one, too.
    static func arranged(_ entries: [PipelineEntry], of node: String, nodes: Set<String>) -> [PipelineEntry] {
        entries.flatMap { entry -> [PipelineEntry] in
            guard entry.key == "in" else { return [entry] }
            let values: [PipelineValue] =
                if case .list(let values) = entry.value.content { values } else { [entry.value] }
            let isNode = { (value: PipelineValue) in
                guard let text = value.scalar else { return true }
                let name = String(text.prefix { $0 != "." && $0 != "[" })
                return nodes.contains(name) && (name != node || text == node)
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
        if cmd.contains("\0") {
            throw Diagnostic("cmd: it holds a NUL, where a command ends", hint: "remove it")
        }
        for (name, value) in env.sorted(by: { $0.key < $1.key }) {
            try validate(variable: name, value)
        }
        if files.contains(where: { $0.isEmpty || $0.contains("\0") }) {
            throw Diagnostic(
                "in: a path is empty, or holds a NUL", hint: "'.' is the folder where Retort runs")
        }
        for path in out where path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            throw Diagnostic(
                "out: '\(path)' leads out of the artifact",
                hint: "write a path below $OUT, such as 'model.bin'")
        }
        let names = out.map { ($0 as NSString).lastPathComponent }
        if Set(names).count < names.count {
            throw Diagnostic("out: two of \(out.joined(separator: ", ")) have the same name")
        }
        for name in CommandOutput.reserved where out.contains(name) {
            throw Diagnostic(
                "out: '\(name)' is a file that Retort writes beside what the command makes",
                hint: "let the command give it another name")
        }
    }

    private func validate(variable name: String, _ value: String) throws {
        let taken = ["OUT", "STATE", "RETORT_NODE"].contains(name) || name.hasPrefix("IN_")
        if taken {
            throw Diagnostic(
                "env: $\(name) is a variable that Retort sets", hint: "give yours another name")
        }
        if name.isEmpty || name.contains("=") || (name + value).contains("\0") {
            throw Diagnostic(
                "env: '\(name)' cannot be a variable",
                hint: "a name has no '=', and neither name nor value a NUL")
        }
    }

    func validate(reading nodes: [String: [String]]) throws {
        let nodes = Set(nodes["in"] ?? []).sorted()
        for (variable, readers) in Dictionary(grouping: nodes, by: Self.variable).sorted(by: {
            $0.key < $1.key
        })
        where readers.count > 1 {
            throw Diagnostic(
                "in: \(readers.map { "'\($0)'" }.joined(separator: " and ")) would both be $\(variable)",
                hint: "give one of them another name")
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
            do {
                digests[path] = try Self.digest(of: file, environment.digests)
            } catch var problem as Diagnostic {
                problem.location = problem.location ?? environment.location(of: "files")
                throw problem
            }
        }
        return digests
    }

    private static func digest(of file: URL, _ digests: DigestCache) throws -> String {
        do {
            guard isFolder(file.path) else {
                try requireRegular(file)
                return try digests.digest(of: file)
            }
            // What Retort itself writes is nothing that a command reads.
            let store = digests.folder?.resolvingSymlinksInPath().path
            return try digests.digest(of: files(below: file, inside: [], except: store), below: file)
        } catch let error as StoreError where [EACCES, EPERM].contains(error.code) {
            throw Diagnostic(
                "in: \(error)", hint: "let this user read it, or leave it out", exitCode: .inputMissing)
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Throws a `Diagnostic` for a pipe, a socket or a device, whose end nobody knows.
    private static func requireRegular(_ file: URL) throws {
        var status = stat()
        guard stat(file.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return }
        throw Diagnostic(
            "in: '\(file.path)' is no file but a pipe, a socket or a device",
            hint: "let the command read it, and name in 'in' what its content depends on", exitCode: .badData)
    }

    /// The files below a folder, where links lead, too; those that lead nowhere are left out.
    ///
    /// - Throws: a `Diagnostic` where a link leads back to a folder that it lies in.
    private static func files(
        below folder: URL, inside outer: Set<String>, except store: String?
    ) throws -> [URL] {
        let place = folder.resolvingSymlinksInPath().path
        guard place != store else { return [] }
        guard !outer.contains(place) else {
            throw Diagnostic(
                "in: '\(folder.path)' is a link to a folder that it lies in",
                hint: "remove it, or name its files",
                exitCode: .badData)
        }
        guard access(folder.path, R_OK | X_OK) == 0 else { throw StoreError(errno, .list, folder.path) }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).flatMap { name -> [URL] in
            let file = folder.appending(path: name)
            if isFolder(file.path) {
                return try files(below: file, inside: outer.union([place]), except: store)
            }
            guard FileManager.default.fileExists(atPath: file.path) else { return [] }
            try requireRegular(file)
            return [file]
        }
    }

    func run(in context: StageContext) throws -> CommandOutput {
        // Half of what an interrupted command made must not pass for what this one makes.
        try context.emptyOutput()
        let outside = try OutsideFiles(out, in: context)
        let log = context.output.appending(path: CommandOutput.logFile)
        do {
            try Command(cmd, environment: variables(context), directory: context.directory, log: log).run(
                in: context)
        } catch {
            // What it made by halves must not be in the way of the next attempt.
            outside.putAside()
            throw error
        }
        try collect(outside, in: context)
        // What the command has left running somewhere must not go on writing into what is published.
        try Data(contentsOf: log, options: .mappedIfSafe).write(to: log, options: .atomic)
        try context.advance(to: 1, of: 1)
        return try CommandOutput(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    /// The name of the variable that holds the folder of a node's artifact.
    private static func variable(of node: String) -> String {
        "IN_" + node.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    private func variables(_ context: StageContext) -> [String: String] {
        var variables = env
        variables["OUT"] = context.output.path
        variables["STATE"] = context.state.path
        variables["RETORT_NODE"] = context.node
        for artifact in `in` {
            variables[Self.variable(of: artifact.location.node)] = artifact.location.directory.path
        }
        return variables
    }

    /// Moves what the command made elsewhere into the artifact, and checks that nothing is missing, and that there is
    /// nothing which an artifact cannot hold.
    private func collect(_ outside: OutsideFiles, in context: StageContext) throws {
        func wrong(_ message: String, _ hint: String) -> Diagnostic {
            Diagnostic(
                "out: \(message)", at: context.sourceLocation(of: "out"), hint: hint, exitCode: .badData)
        }
        let files = FileManager.default
        guard files.fileExists(atPath: context.output.appending(path: CommandOutput.logFile).path) else {
            throw wrong(
                "the command removed $OUT, or \(CommandOutput.logFile) in it",
                "$OUT is empty when the command begins: leave it where it is")
        }
        for path in out where !files.fileExists(atPath: context.output.appending(path: path).path) {
            guard try outside.take(path) else {
                throw wrong(
                    "the command did not make '\(path)'",
                    "it is looked for in $OUT and in \(context.directory.path)")
            }
        }
        let entries = files.enumerator(atPath: context.output.path)
        while let path = entries?.nextObject() as? String {
            if path == ArtifactRecord.fileName {
                throw wrong("'\(path)' is a file that Retort writes", "let the command give it another name")
            }
            let type = entries?.fileAttributes?[.type] as? FileAttributeType
            guard type != .typeRegular, type != .typeDirectory else { continue }
            throw wrong(
                "'\(path)' is \(type == .typeSymbolicLink ? "a symbolic link" : "no file")",
                "an artifact holds files and folders: let the command copy what a link leads to (cp -L)")
        }
    }
}

/// The files that a command made.
struct CommandOutput: Artifact {
    static let kind = "files"
    static let logFile = "command.log"
    /// What a command prints tells times, as likely as not.
    static let records: Set<String> = [logFile]
    static let isForeign = true
    /// The names of files that a command must leave to Retort.
    static let reserved = [logFile, ArtifactRecord.fileName]

    let location: ArtifactLocation

    init(_ location: ArtifactLocation) throws { self.location = location }

    static func files(for selector: String) -> [String]? { [selector] }
}
