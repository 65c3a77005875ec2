import Diagnostics
import Engine
import Foundation

/// MLflow's REST interface (version 2.0), by way of the program `curl`.
///
/// `curl` knows proxies, certificates and `.netrc`, and costs no dependency. Credentials are taken from MLflow's own
/// variables, `MLFLOW_TRACKING_TOKEN` or `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, and reach it
/// through its standard input, where no other user can read them.
struct MLflowClient: Sendable {
    private let server: String

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

    /// The experiment of a name, made where there is none; gives its id.
    func experiment(named name: String) throws -> String {
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
            throw Diagnostic("the MLflow server made no experiment", exitCode: .unavailable)
        }
        return id
    }

    /// Begins a run; gives its id.
    func createRun(_ name: String, in experiment: String, tags: [String: String]) throws -> String {
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
            throw Diagnostic("the MLflow server made no run", exitCode: .unavailable)
        }
        return id
    }

    /// Adds measurements, at most 1,000, and parameters, at most 100.
    func log(_ run: String, _ measurements: [Measurement], parameters: [(String, String)] = []) throws {
        _ = try call(
            "runs/log-batch",
            [
                "run_id": .string(run),
                "metrics": .array(
                    measurements.map {
                        .object([
                            "key": .string(Self.key("\($0.node)/\($0.name)")), "value": .number($0.value),
                            "timestamp": .int($0.time), "step": .int($0.step),
                        ])
                    }),
                "params": .array(
                    parameters.map {
                        .object([
                            "key": .string(Self.key($0.0)), "value": .string(String($0.1.prefix(6_000))),
                        ])
                    }),
            ])
    }

    /// Ends a run as `FINISHED`, `FAILED` or `KILLED`.
    func finish(_ run: String, _ status: String) throws {
        _ = try call(
            "runs/update",
            [
                "run_id": .string(run), "status": .string(status),
                "end_time": .int(Int(Date().timeIntervalSince1970 * 1000)),
            ])
    }

    /// A name that MLflow accepts, with letters, digits, dots and dashes; a matrix point becomes `student.seed-0`.
    static func key(_ name: String) -> String {
        String(
            name.replacing("[", with: ".").replacing("]", with: "").replacing("=", with: "-")
                .replacing(",", with: ".")
                .map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./ ".contains($0)) ? $0 : "_" })
    }

    private func call(_ path: String, _ body: [String: JSON]) throws -> JSON {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["curl", "--config", "-"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        var settings = [
            "url = \"\(server)/api/2.0/mlflow/\(path)\"", "request = POST", "silent", "show-error",
            "fail-with-body", "max-time = 20", "header = \"Content-Type: application/json\"",
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
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: answer, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard process.terminationStatus == 0 else {
            throw Diagnostic(
                "MLflow at \(server) did not take '\(path)': "
                    + (text.isEmpty
                        ? "curl ended with \(process.terminationStatus)" : String(text.prefix(400))),
                exitCode: .unavailable)
        }
        return text.isEmpty ? .null : try JSONDecoder().decode(JSON.self, from: answer)
    }

    /// A string of curl's configuration files.
    private static func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n").replacing("\r", with: "\\r").replacing("\t", with: "\\t")
        return "\"\(escaped)\""
    }
}
