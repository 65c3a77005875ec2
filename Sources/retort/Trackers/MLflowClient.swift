import Diagnostics
import Engine
import Foundation

/// Why a request to MLflow came to nothing.
enum MLflowProblem: Error {
    /// The server was not reached, or cannot answer now; later it may.
    case unreachable(String)
    /// The server does not take the request, however often it is made.
    case refused(String)
}

/// MLflow's REST interface (version 2.0), by way of the program `curl`.
///
/// `curl` knows proxies, certificates and `.netrc`, and costs no dependency. Credentials are taken from MLflow's own
/// variables, `MLFLOW_TRACKING_TOKEN` or `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, and reach it
/// through its standard input, where no other user can read them.
struct MLflowClient: Sendable {
    private let server: String
    /// The seconds that a request may take.
    private var limit = 20.0

    /// Takes the address of a tracking server.
    ///
    /// - Throws: a `Diagnostic` for what is no http address.
    init(_ server: String) throws {
        guard let url = URL(string: server), ["http", "https"].contains(url.scheme ?? ""), url.host != nil
        else {
            throw Diagnostic(
                "'\(server)' is no address of an MLflow server", hint: "write http://host:5000",
                exitCode: .usage)
        }
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
    }

    /// The same client, whose requests take at most so many seconds.
    func limited(to seconds: Double) -> MLflowClient {
        var client = self
        client.limit = min(limit, max(1, seconds))
        return client
    }

    /// The experiment of a name, made where there is none; gives its id.
    func experiment(named name: String) throws(MLflowProblem) -> String {
        let quote = name.contains("'") ? "\"" : "'"
        let found = try call(
            "experiments/search",
            ["filter": .string("name = \(quote)\(name)\(quote)"), "max_results": .int(1)])
        if case .array(let experiments)? = found["experiments"],
            let id = experiments.first?["experiment_id"]?.text
        {
            return id
        }
        guard let id = try call("experiments/create", ["name": .string(name)])["experiment_id"]?.text else {
            throw .refused("the MLflow server made no experiment")
        }
        return id
    }

    /// Begins a run; gives its id.
    func createRun(
        _ name: String, in experiment: String, tags: [String: String]
    ) throws(MLflowProblem) -> String {
        let answer = try call(
            "runs/create",
            [
                "experiment_id": .string(experiment), "run_name": .string(name),
                "start_time": .int(Int(Date().timeIntervalSince1970 * 1000)),
                "tags": .array(
                    tags.sorted { $0.key < $1.key }.map {
                        .object(["key": .string($0.key), "value": .string($0.value)])
                    }),
            ])
        guard let id = answer["run"]?["info"]?["run_id"]?.text else {
            throw .refused("the MLflow server made no run")
        }
        return id
    }

    /// A setting of a node, as MLflow's parameter.
    struct Parameter: Hashable, Sendable {
        var node: String
        var name: String
        var value: String
    }

    /// Adds measurements, at most 1,000, and parameters, at most 100.
    func log(
        _ run: String, _ measurements: [Measurement], parameters: [Parameter] = []
    ) throws(MLflowProblem) {
        _ = try call(
            "runs/log-batch",
            [
                "run_id": .string(run),
                "metrics": .array(
                    measurements.map {
                        .object([
                            "key": .string(Self.key($0.node, "/", $0.name)), "value": .number($0.value),
                            "timestamp": .int($0.time), "step": .int($0.step),
                        ])
                    }),
                "params": .array(
                    parameters.map {
                        .object([
                            "key": .string(Self.key($0.node, ".", $0.name)),
                            "value": .string(String($0.value.unicodeScalars.prefix(6_000))),
                        ])
                    }),
            ])
    }

    /// Ends a run as `FINISHED`, `FAILED` or `KILLED`.
    func finish(_ run: String, _ status: String) throws(MLflowProblem) {
        _ = try call(
            "runs/update",
            [
                "run_id": .string(run), "status": .string(status),
                "end_time": .int(Int(Date().timeIntervalSince1970 * 1000)),
            ])
    }

    /// The name of what a node tells, as MLflow accepts it: at most 250 letters, digits and `_-. `, and `/` in between.
    ///
    /// A matrix point is written as `student.seed-0`. Of what has to be written otherwise, or is too long, a digest says
    /// what it was: no two names come out the same.
    static func key(_ node: String, _ separator: String, _ name: String) -> String {
        let text = (coordinates(node) ?? plain(node)) + separator + path(name)
        guard text.utf8.count > 250 else { return text }
        return text.prefix(241) + "-" + digest(node + separator + name)
    }

    /// A matrix point, where no value looks like a further coordinate.
    private static func coordinates(_ node: String) -> String? {
        let point = /[A-Za-z0-9_\-]+\[[A-Za-z0-9_\-]+=[A-Za-z0-9_\-.]+(,[A-Za-z0-9_\-]+=[A-Za-z0-9_\-.]+)*\]/
        guard node.wholeMatch(of: point) != nil, node.firstMatch(of: /\.[A-Za-z_][A-Za-z0-9_\-]*-/) == nil
        else { return nil }
        return String(node.dropLast()).replacing("[", with: ".").replacing("=", with: "-").replacing(
            ",", with: ".")
    }

    /// Words between slashes, as a path that leads nowhere else.
    private static func path(_ name: String) -> String {
        let words = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPath = words.allSatisfy {
            $0 != "." && $0 != ".." && $0.wholeMatch(of: /[A-Za-z0-9_\-. ]+/) != nil
        }
        return isPath ? name : plain(name)
    }

    private static func plain(_ name: String) -> String {
        let text = name.unicodeScalars.map { scalar in
            let isKept =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || "0123456789_-. ".contains(Character(scalar)))
            return isKept ? String(scalar) : "_"
        }.joined()
        return text == name && name.wholeMatch(of: /[A-Za-z0-9_\- ]+/) != nil
            ? name : "\(text)-\(digest(name))"
    }

    private static func digest(_ name: String) -> String { String(SHA256.digest(of: name).prefix(8)) }

    private func call(_ path: String, _ body: [String: JSON]) throws(MLflowProblem) -> JSON {
        let answer: (code: Int32, status: Int, body: String, errors: String)
        do { answer = try ask(path, body) } catch {
            throw .unreachable("\(error)")
        }
        let said = [answer.body, answer.errors].map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            .first { !$0.isEmpty }
        let words = "MLflow at \(server) did not take '\(path)': "
        guard answer.code == 0 else {
            throw .unreachable(
                words + (said.map { String($0.prefix(400)) } ?? "curl ended with \(answer.code)"))
        }
        switch answer.status {
        case 200..<300:
            guard !answer.body.isEmpty else { return .null }
            guard let json = try? JSONDecoder().decode(JSON.self, from: Data(answer.body.utf8)) else {
                throw .refused(words + "its answer is no JSON")
            }
            return json
        // Later; too early; too many requests; and what goes wrong in the server itself.
        case 408, 425, 429, 500...:
            throw .unreachable(words + "\(answer.status)" + (said.map { " \($0.prefix(400))" } ?? ""))
        default: throw .refused(words + "\(answer.status)" + (said.map { " \($0.prefix(400))" } ?? ""))
        }
    }

    /// Makes a request, and gives how curl ended, HTTP's status, and what was said.
    private func ask(
        _ path: String, _ body: [String: JSON]
    ) throws -> (code: Int32, status: Int, body: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["curl", "--config", "-"]
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        var settings = [
            "url = \"\(server)/api/2.0/mlflow/\(path)\"", "request = POST", "silent", "show-error",
            "connect-timeout = \(min(3, limit))", "max-time = \(limit)", "write-out = \"\\n%{http_code}\"",
            "header = \"Content-Type: application/json\"",
            "data-binary = \(Self.quoted(try CanonicalJSON.text(JSON.object(body))))",
        ]
        let environment = ProcessInfo.processInfo.environment
        if let token = environment["MLFLOW_TRACKING_TOKEN"] {
            settings.append("header = \(Self.quoted("Authorization: Bearer \(token)"))")
        } else if let user = environment["MLFLOW_TRACKING_USERNAME"] {
            let password = environment["MLFLOW_TRACKING_PASSWORD"] ?? ""
            settings.append("user = \(Self.quoted("\(user):\(password)"))")
        }
        try input.fileHandleForWriting.write(contentsOf: Data((settings.joined(separator: "\n") + "\n").utf8))
        try input.fileHandleForWriting.close()
        let answer = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let said = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        // The status is the last line.
        let line = answer.lastIndex(of: "\n") ?? answer.startIndex
        let status = Int(answer[line...].trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        return (process.terminationStatus, status, String(answer[..<line]), said)
    }

    /// A string of curl's configuration files.
    private static func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n").replacing("\r", with: "\\r").replacing("\t", with: "\\t")
        return "\"\(escaped)\""
    }
}
