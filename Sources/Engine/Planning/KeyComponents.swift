internal import Diagnostics
internal import Foundation

/// Everything that decides what a stage makes, by name; its digest is the stage's key.
struct KeyComponents: Hashable, Sendable {
    var values: [String: String]

    /// The key: the SHA-256 of the components as canonical JSON.
    ///
    /// Escaping is spelled out here because the text must stay the same for as long as stores live.
    var key: String {
        let members = values.sorted { $0.key < $1.key }.map {
            "\(Self.quoted($0.key)):\(Self.quoted($0.value))"
        }
        return SHA256.digest(of: "{" + members.joined(separator: ",") + "}")
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20: quoted += "\\u" + String(format: "%04x", scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The components as they were once stored.
    init(values: [String: String]) { self.values = values }

    /// The components that do not depend on what other nodes make.
    init(of node: Graph.Node, in graph: Graph, externalContent: [String: String]) {
        let settings = node.stage.hashedSettings
        values = [:]
        values["kind"] = node.schema.output
        values["stage"] = node.schema.name
        values["revision"] = String(type(of: node.stage).revision)
        // What can change the bytes without being a setting of every stage: the number format that is computed
        // in. Device and thread count are not among it, so that moving to another machine re-runs nothing.
        // The number of processes is, where a stage sums over them; one process is not worth a word.
        values["numerics"] = settings["precision"] ?? "fp32"
        if graph.processes > 1, type(of: node.stage).sharing == .sums {
            values["numerics", default: ""] += " in \(graph.processes) processes"
        }
        // What is left out is no component, so that a stage may gain an optional setting and keep its artifacts.
        for (name, value) in settings where value != "null" { values["setting.\(name)"] = value }
        for (name, digest) in externalContent { values["external.\(name)"] = digest }
        guard type(of: node.stage).recordsNames else { return }
        values["name"] = node.name
        for (name, edge) in zip(Self.names(of: node.inputs, node), node.inputs) {
            values["name.\(name)"] = graph.nodes[edge.producer].name
        }
    }

    /// Adds the inputs, which are known once the nodes before this one are done.
    mutating func add(_ inputs: [ArtifactRecord.InputRecord], of node: Graph.Node) {
        for (name, input) in zip(Self.names(of: node.inputs, node), inputs) { values[name] = input.digest }
    }

    /// The names of a node's input components: `input.teacher`, `input.models.0`.
    static func names(of edges: [Graph.Edge], _ node: Graph.Node) -> [String] {
        var counts: [String: Int] = [:]
        let lists = Set(node.schema.inputs.filter(\.isList).map(\.name))
        return edges.map { edge in
            guard lists.contains(edge.input) else { return "input.\(edge.input)" }
            defer { counts[edge.input, default: 0] += 1 }
            return "input.\(edge.input).\(counts[edge.input, default: 0])"
        }
    }
}

extension Graph {
    /// What a node reads through one of its inputs, when the producer's artifact is known.
    func inputRecord(_ edge: Edge, producer record: ArtifactRecord) throws(Diagnostic)
        -> ArtifactRecord.InputRecord
    {
        let producer = nodes[edge.producer]
        let output = type(of: producer.stage).outputType
        let selection = edge.selector.flatMap { output.files(for: $0) }
        guard let digest = record.digest(of: selection, selector: edge.selector) else {
            let selector = edge.selector ?? ""
            let words = Set(record.files.map { stem(of: $0.path) })
            let parts = words.filter { word in
                record.digest(of: output.files(for: word) ?? [""], selector: word) != nil
            }
            throw Diagnostic(
                "\(edge.input): '\(producer.name)' has no part '\(selector)'", at: edge.location,
                hint: selector.didYouMean(parts) ?? "it has \(parts.sorted().joined(separator: ", "))")
        }
        return ArtifactRecord.InputRecord(
            name: edge.input, node: producer.name, selector: edge.selector, kind: record.kind,
            key: record.key,
            digest: digest)
    }

    private func stem(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.prefix { $0 != "." })
    }

    /// The digests of what a node reads from outside the store, or a problem with a place in the pipeline file.
    func externalContent(of node: Node, digests: DigestCache) throws(Problems) -> [String: String] {
        do {
            return try node.stage.externalContent(in: environment(of: node, digests: digests))
        } catch let problems as Problems {
            throw Problems(problems.all.map { located($0, node) })
        } catch let diagnostic as Diagnostic {
            throw Problems([located(diagnostic, node)])
        } catch let thrown where thrown is StoreError || StoreError(thrown) != nil {
            let error = thrown as? StoreError ?? StoreError(thrown) ?? StoreError(EIO, .read, "a file")
            let code: ExitCode = error.code == ENOENT ? .inputMissing : error.exitCode
            throw Problems([
                Diagnostic(
                    "\(node.name): \(error)", at: node.spec.nameLocation, hint: error.hint, exitCode: code)
            ])
        } catch {
            throw Problems([
                Diagnostic("\(node.name): \(error)", at: node.spec.nameLocation, exitCode: .badData)
            ])
        }
    }

    private func located(_ diagnostic: Diagnostic, _ node: Node) -> Diagnostic {
        var diagnostic = diagnostic
        diagnostic.location = diagnostic.location ?? node.spec.nameLocation
        return diagnostic
    }
}
