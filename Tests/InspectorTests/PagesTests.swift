import Foundation
import FoundationXML
import Search
import TestSupport
import Testing

@testable import Inspector

/// A page read by a strict XML parser, and what it would load, follow or send.
final class Outline: NSObject, XMLParserDelegate {
    var problem: String?
    var images: [String] = []
    var marks: [String: String] = [:]
    var queries: Set<String> = []
    var references: [String] = []
    var styles = 0
    var inlineScripts = 0
    var ids: [String] = []
    var text = ""
    private var isScript = false

    init(_ page: String) {
        super.init()
        let parser = XMLParser(data: Data(page.utf8))
        parser.delegate = self
        if !parser.parse() {
            problem = "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "?")"
        }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        if attributes["style"] != nil || name == "style" { styles += 1 }
        if attributes.keys.contains(where: { $0.hasPrefix("on") }) { inlineScripts += 1 }
        if let id = attributes["id"] { ids.append(id) }
        if let image = attributes["data-image"] {
            images.append(image)
            marks[image] = attributes["data-mark"]
        }
        if let query = attributes["data-query"], !query.isEmpty { queries.insert(query) }
        references += ["src", "href", "action"].compactMap { attributes[$0] }
        isScript = name == "script"
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        isScript = false
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if isScript { inlineScripts += 1 }
        text += string
    }
}

@Suite struct PagesTests {
    static let targets = [
        "/", "/sheet", "/sheet?sort=low&class=bus&size=24", "/sheet?sort=random&seed=2&page=1&size=24",
        "/sheet?page=999", "/sheet?sort=hubs", "/sheet?sort=entropy", "/queries",
        "/queries?sort=weakest&class=camel", "/query/query3", "/threshold",
        "/threshold?threshold=0.85", "/duplicates", "/leakage", "/dropped", "/dropped?step=dedup",
        "/image/\(FakeSet.id(0))", "/image/\(FakeSet.id(6))", "/image/\(FakeSet.id(9_001))", "/image/query2",
        "/diff", "/diff?side=other", "/audit",
    ]

    @discardableResult
    static func check(_ response: Response, _ target: String) -> Outline {
        #expect(response.status == .ok, "\(target): \(response.bodyText.prefix(200))")
        let outline = Outline(response.bodyText)
        #expect(outline.problem == nil, "\(target)")
        #expect(outline.styles == 0 && outline.inlineScripts == 0, "\(target) needs a laxer policy")
        #expect(Set(outline.ids).count == outline.ids.count, "\(target) has an id twice")
        for reference in outline.references {
            #expect(
                reference.hasPrefix("#") || reference.hasPrefix("/") && !reference.hasPrefix("//"),
                "\(target) leads to \(reference)")
        }
        return outline
    }

    private func check(_ response: Response, _ target: String) -> Outline { Self.check(response, target) }

    @Test(arguments: targets) func `a page is whole, and what it shows is there`(_ target: String) throws {
        let inspected = try Inspected()
        let outline = check(try inspected.get(target), target)
        // Everything that a page refers to is served.
        for reference in Set(outline.references) where reference.hasPrefix("/") && reference != "/marks" {
            let response = try inspected.get(String(reference.prefix { $0 != "#" }))
            #expect(response.status == .ok, "\(target) → \(reference): \(response.status)")
        }
    }

    @Test func `hostile names stay text`() throws {
        let name = "\"><script>alert(1)</script><img src=x onerror=alert(2)>&'\u{1}/../"
        let inspected = try Inspected { fake in
            fake.prefix = name
            fake.classes = ["<b>bold</b>", "\" onmouseover=\"x", "javascript:alert(1)"]
        }
        for target in Self.targets where !target.contains("class=") {
            let response = try inspected.get(target)
            _ = check(response, target)
            #expect(!response.bodyText.contains("<script>alert") && !response.bodyText.contains("<img src=x"))
        }
        let json = try inspected.get("/api/images?limit=1")
        #expect(
            json.header("Content-Type") == "application/json"
                && json.header("X-Content-Type-Options") == "nosniff")
    }

    @Test func `every response carries the policy`() throws {
        let inspected = try Inspected()
        for target in ["/", "/api/set", "/static/style.css", "/thumb/\(FakeSet.id(0))", "/nowhere"] {
            let response = try inspected.get(target)
            for (name, value) in AccessControl.headers { #expect(response.header(name) == value) }
        }
        #expect(AccessControl.headers[0].1.hasPrefix("default-src 'none'"))
        #expect(!AccessControl.headers[0].1.contains("unsafe"))
    }

    @Test(arguments: [
        "/nowhere", "/image/nowhere", "/query/nowhere", "/thumb/nowhere", "/thumb/..%2F..%2Fetc%2Fpasswd",
        "/static/..%2Fx", "/static/nothing.js", "/api/nowhere", "/map", "/image", "/sheet/x", "/api/image/x",
    ]) func `what is not there is not found`(_ target: String) throws {
        #expect(try Inspected().get(target).status == .notFound)
    }

    @Test(arguments: [
        "/sheet?sort=up", "/sheet?min=x", "/sheet?size=7", "/sheet?mark=maybe",
        "/thumb/\(FakeSet.id(0))?side=5000",
        "/api/threshold", "/api/threshold?value=nan",
    ]) func `what makes no sense is refused`(_ target: String) throws {
        #expect(try Inspected().get(target).status == .badRequest)
    }

    @Test func `the sheet pages through all images once`() throws {
        let inspected = try Inspected()
        var seen: [String] = []
        for page in 0..<3 {
            seen += check(try inspected.get("/sheet?size=24&sort=low&page=\(page)"), "page \(page)").images
        }
        #expect(seen.count == 60 && Set(seen).count == 60)
        let answer = try inspected.get("/api/images?sort=low&limit=100").body
        let list = try #require(try JSONSerialization.jsonObject(with: answer) as? [String: Any])
        let images = try #require(list["images"] as? [[String: Any]])
        #expect(images.compactMap { $0["id"] as? String } == seen)
    }

    @Test func `a mark is set by a form, shown, and taken back`() throws {
        let inspected = try Inspected()
        let id = FakeSet.id(0)
        let form = ["content-type": "application/x-www-form-urlencoded"]
        let response = try inspected.post("/marks", "set=reject+\(id)&back=%2Fsheet%3Fsort%3Dlow", form)
        #expect(response.status == .seeOther && response.header("Location") == "/sheet?sort=low#i-\(id)")
        #expect(check(try inspected.get("/sheet"), "/sheet").marks[id] == "reject")
        #expect(try inspected.get("/image/\(id)").bodyText.contains("tester"))
        _ = try inspected.post("/marks", "set=none+\(id)", form)
        #expect(check(try inspected.get("/sheet"), "/sheet").marks[id] == "")
        #expect(try Marks(file: inspected.options.marks).entries.map(\.mark) == [.reject, .none])
        #expect(try inspected.post("/marks", "set=reject+nowhere", form).status == .notFound)
        #expect(try inspected.post("/marks", "set=maybe+\(id)", form).status == .badRequest)
    }

    @Test func `the API marks, and says what was before`() throws {
        let inspected = try Inspected()
        let json = ["content-type": "application/json"]
        let id = FakeSet.id(6)
        let answer = try inspected.post("/api/marks", #"{"id":"\#(id)","mark":"accept"}"#, json)
        #expect(answer.bodyText == #"{"id":"\#(id)","mark":"accept","previous":"none"}"#)
        let second = try inspected.post(
            "/api/marks", #"{"id":"\#(id)","mark":"leak","note":"seen in test"}"#, json)
        #expect(second.bodyText.contains(#""previous":"accept""#))
        #expect(
            try inspected.get("/api/marks").bodyText == #"{"counts":{"leak":1},"marks":{"\#(id)":"leak"}}"#)
        for body in ["", "[]", #"{"id":"x"}"#, #"{"id":"\#(id)","mark":"maybe"}"#] {
            #expect(try inspected.post("/api/marks", body, json).status == .badRequest)
        }
        #expect(try inspected.post("/api/marks", #"{"id":"\#(id)","mark":"leak"}"#).status == .badRequest)
        #expect(
            try inspected.post("/api/marks", #"{"id":"nowhere","mark":"leak"}"#, json).status == .notFound)
        #expect(try inspected.post("/api/set", "{}", json).status == .notAllowed)
    }

    @Test func `leakage is read in both forms`() throws {
        for hasTiers in [true, false] {
            let inspected = try Inspected { $0.hasTiers = hasTiers }
            let page = check(try inspected.get("/leakage"), "/leakage")
            #expect(page.images.contains(FakeSet.id(9_004)))
            #expect(page.text.contains(hasTiers ? "1 to review" : "certified"))
            let leakage = try #require(inspected.site.set.leakage)
            #expect(leakage.counts[.exact] == 1 && leakage.counts[.embedding] == (hasTiers ? 1 : 2))
            #expect(leakage.pairs.count { $0.state == .queued } == (hasTiers ? 1 : 0))
        }
    }
}
