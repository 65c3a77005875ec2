import Foundation
import FoundationXML
import Testing

@testable import Report

/// What a page consists of, read by a strict XML parser: a tag left open anywhere fails the parse.
final class PageOutline: NSObject, XMLParserDelegate {
    private(set) var elements: [String: Int] = [:]
    private(set) var references: [String] = []
    private(set) var ids: [String] = []
    private(set) var text = ""
    private(set) var problem: String?
    private var open: [String] = []

    init(_ page: String) {
        super.init()
        let parser = XMLParser(data: Data(page.utf8))
        parser.delegate = self
        if !parser.parse() {
            problem = "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "unknown")"
        }
    }

    /// Everything the page would load or follow that is neither in it nor beside it.
    var outsideReferences: [String] {
        references.filter {
            !$0.hasPrefix("#") && !$0.hasPrefix("data:image/jpeg;base64,") && !$0.hasPrefix("thumbs/")
        }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(name)
        elements[name, default: 0] += 1
        references += ["src", "href", "action", "data", "poster", "srcset"].compactMap { attributes[$0] }
        if let id = attributes["id"] { ids.append(id) }
        if attributes["style"]?.contains("url(") == true {
            references.append("style: \(attributes["style"] ?? "")")
        }
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if open.last == "style", string.contains("url(") || string.contains("@import") {
            references.append("style sheet: \(string)")
        }
        if open.last != "style", open.last != "script" { text += string }
    }

    /// Checks everything that holds for every page.
    static func check(_ page: String, sourceLocation: SourceLocation = #_sourceLocation) -> PageOutline {
        let outline = PageOutline(page)
        #expect(outline.problem == nil, sourceLocation: sourceLocation)
        #expect(outline.outsideReferences.isEmpty, sourceLocation: sourceLocation)
        #expect(
            Set(outline.ids).count == outline.ids.count, "an id occurs twice", sourceLocation: sourceLocation)
        #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"), sourceLocation: sourceLocation)
        return outline
    }
}

/// The same grey pixel for every image, and a record of what was asked for.
final class GreyThumbnails: ThumbnailProvider {
    private(set) var asked: Set<String> = []
    var padding = 0

    func jpeg(dataset: String, member: String, side: Int) -> Data? {
        asked.insert("\(dataset)/\(member)")
        return Self.pixel + Data(repeating: 0, count: padding)
    }

    private static let pixel =
        Data(
            base64Encoded:
                "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////"
                + "////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/"
                + "2gAIAQEAAD8AP//Z"
        ) ?? Data()
}

/// A folder that is gone after the test.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "retort-report-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
