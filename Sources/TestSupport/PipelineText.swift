internal import Diagnostics
public import Engine
public import Foundation

/// A pipeline in a notation for tests: one node a line, `name: kind key=value key=[a,b]`, with places that count.
///
/// A line that begins with `data` declares a data node. Blank lines are left out.
public func pipeline(
    _ text: String, name: String = "test", in directory: URL = FileManager.default.temporaryDirectory,
    matrix: [MatrixAxis] = [], gates: [String] = []
) -> PipelineSpec {
    var nodes: [NodeSpec] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        var words = PlacedWord.all(in: line, number: number + 1)
        let isData = words.first?.text == "data"
        if isData { words.removeFirst() }
        guard words.count >= 2 else { continue }
        nodes.append(
            NodeSpec(
                String(words[0].text.dropLast()), at: words[0].location, in: isData ? .data : .stages,
                uses: words[1].text, at: words[1].location, entries: words.dropFirst(2).map(\.entry)))
    }
    return PipelineSpec(
        name: name, file: PlacedWord.file, directory: directory, nodes: nodes, matrix: matrix,
        gates: gates.enumerated().map { GateSpec($1, at: SourceLocation(PlacedWord.file, 91 + $0, 3)) })
}

/// An axis of a matrix, at a place of its own.
public func axis(_ name: String, _ values: String..., to: [String]? = nil) -> MatrixAxis {
    MatrixAxis(name, values: values, to: to, at: SourceLocation(PlacedWord.file, 81, 3))
}

private struct PlacedWord {
    static let file = "test.yml"
    var text: String
    var location: SourceLocation

    static func all(in line: Substring, number: Int) -> [PlacedWord] {
        line.split(separator: " ").map { word in
            let column = line.distance(from: line.startIndex, to: word.startIndex) + 1
            return PlacedWord(text: String(word), location: SourceLocation(file, number, column))
        }
    }

    /// The word as `key=value`.
    var entry: PipelineEntry {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? String(parts[1]) : ""
        var place = location
        place.column += parts[0].count + 1
        return PipelineEntry(String(parts[0]), at: location, Self.value(value, at: place))
    }

    private static func value(_ text: String, at place: SourceLocation) -> PipelineValue {
        guard text.hasPrefix("["), text.hasSuffix("]") else { return PipelineValue(.scalar(text), at: place) }
        var column = place.column + 1
        let elements = text.dropFirst().dropLast().split(separator: ",").map { element -> PipelineValue in
            defer { column += element.count + 1 }
            return PipelineValue(.scalar(String(element)), at: SourceLocation(file, place.line, column))
        }
        return PipelineValue(.list(elements), at: place)
    }
}
