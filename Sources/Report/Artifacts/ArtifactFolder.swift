import Diagnostics
import Foundation

/// Reads the JSON and JSON Lines files of one artifact; a file that is not there is nil, a damaged one an error.
struct ArtifactFolder: Sendable {
    let url: URL

    /// The text of a file.
    func text(_ name: String) throws -> String? {
        let file = url.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    /// The one value of a JSON file.
    func json<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value? {
        guard let text = try text(name) else { return nil }
        do {
            return try Self.decoder().decode(Value.self, from: Data(text.utf8))
        } catch let error as DecodingError {
            throw damaged(name, line: 1, error)
        }
    }

    /// The rows of a JSON Lines file.
    ///
    /// A record may end in half a row when its writer was killed; `isRecord` drops that row and no other.
    func rows<Row: Decodable>(_ name: String, as type: Row.Type = Row.self, isRecord: Bool = false) throws
        -> [Row]?
    {
        guard let text = try text(name) else { return nil }
        let decoder = Self.decoder()
        var rows: [Row] = []
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.isEmpty {
            do {
                rows.append(try decoder.decode(Row.self, from: Data(line.utf8)))
            } catch let error as DecodingError {
                if isRecord, number == lines.count - 1 { break }
                throw damaged(name, line: number + 1, error)
            }
        }
        return rows
    }

    /// A loss may have become infinite; such numbers stand as words in JSON.
    private static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }

    private func damaged(_ name: String, line: Int, _ error: DecodingError) -> Diagnostic {
        let problem =
            switch error {
            case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
            case .typeMismatch(_, let context), .valueNotFound(_, let context):
                "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has another type than expected"
            default: "it is not valid JSON"
            }
        return Diagnostic(
            "cannot read this row: \(problem)", at: SourceLocation(url.appending(path: name).path, line, 1),
            hint: "the artifact is damaged; run the stage that made it again", exitCode: .badData)
    }
}

/// What the pages show of `artifact.json`.
struct ArtifactFacts: Decodable, Sendable {
    struct Input: Decodable, Sendable {
        var name: String
        var node: String
        var selector: String?
        var digest: String?
    }

    struct File: Decodable, Sendable {
        var path: String
        var bytes: Int
        var sha256: String
    }

    struct Timings: Decodable, Sendable {
        var seconds: Double?
    }

    var kind: String?
    var node: String?
    var stage: String?
    var key: String?
    var digest: String?
    var inputs: [Input]?
    var counts: [String: Int]?
    var facts: [String: Scalar]?
    var timings: Timings?
    var files: [File]?
}

/// A fact of any shape, as one line of text.
struct Scalar: Decodable, Sendable, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    init(from decoder: any Decoder) throws {
        if let list = try? [Scalar](from: decoder) {
            description = list.map(\.description).joined(separator: ", ")
        } else if let map = try? [String: Scalar](from: decoder) {
            description = map.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
                separator: ", ")
        } else {
            let value = try decoder.singleValueContainer()
            if let flag = try? value.decode(Bool.self) {
                description = flag ? "yes" : "no"
            } else if let integer = try? value.decode(Int.self) {
                description = Format.count(integer)
            } else if let number = try? value.decode(Double.self) {
                description = Format.short(number)
            } else if let text = try? value.decode(String.self) {
                description = text
            } else {
                description = "none"
            }
        }
    }
}

/// One row of `metrics.jsonl`.
struct MetricRow: Decodable, Sendable {
    var step: Double
    var name: String
    var value: Double?
}
