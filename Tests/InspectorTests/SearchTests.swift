import Foundation
import Testing

@testable import Inspector

@Suite struct SearchTests {
    private static let reason = "'embed' was embedded by dwcnn_xs, which has no text tower"

    private func inspected(
        _ search: FakeSearch = FakeSearch(), refusal: String? = nil,
        _ change: (inout FakeSet) -> Void = { _ in }
    ) throws -> Inspected {
        try Inspected(search: PoolSearch(refusalOfTexts: refusal) { search }, change)
    }

    @Test func `a text is asked for by a form, and what it finds is shown and can be marked`() throws {
        let search = FakeSearch()
        let inspected = try inspected(search)
        let empty = PagesTests.check(try inspected.get("/search"), "/search")
        #expect(empty.ids.contains("search-text") && empty.images.isEmpty)
        // As a browser sends the form, without any script.
        let target = "/search?text=a+red+cube%2C+%22small%22+%26+%C3%BCber"
        let response = try inspected.get(target)
        let page = PagesTests.check(response, target)
        #expect(search.texts == ["a red cube, \"small\" & über"])
        #expect(page.images == FakeSearch.ids)
        #expect(page.text.contains("3 images for “a red cube, \"small\" & über”, 1 of them in the set"))
        #expect(response.bodyText.contains("value=\"a red cube, &quot;small&quot; &amp; über\""))
        // The pictures of what was found are served, of an image that no file tells of, too.
        #expect(try inspected.get("/thumb/\(FakeSearch.ids[2])").status == .ok)
        // A mark comes back to the same search.
        let back = try #require(
            response.bodyText.firstMatch(of: /name="back" value="([^"]*)"/).map {
                String($0.output.1).replacing("&amp;", with: "&")
            })
        let marked = try inspected.post(
            "/marks", "set=reject+\(FakeSearch.ids[0])&back=\(back.percentEncoded)",
            ["content-type": "application/x-www-form-urlencoded"])
        let place = try #require(marked.header("Location"))
        #expect(try inspected.get(String(place.prefix { $0 != "#" })).status == .ok)
        #expect(search.texts.count == 2 && search.texts[0] == search.texts[1])
    }

    @Test(arguments: [
        "\"><script>alert(1)</script>", "' autofocus onfocus='alert(1)",
        "</title><img src=x onerror=alert(1)>",
        "\u{202E}txt.exe", "javascript:alert(1)", "{{7*7}}", "\\\"}];alert(1)//", "%3Cscript%3E", "🟥🧊",
    ]) func `a hostile text stays text`(_ text: String) throws {
        let search = FakeSearch(source: "pool/\(text).jpg")
        let inspected = try inspected(search) { $0.texts = [text, text + "2", "/" + text] }
        let target = "/search?text=\(text.percentEncoded)"
        let targets = [
            target, "/queries", "/query/query0", "/query/query2", "/image/\(FakeSet.id(0))", "/audit",
        ]
        for target in targets {
            let response = try inspected.get(target)
            let page = PagesTests.check(response, target)
            #expect(!response.bodyText.contains("<script>alert") && !response.bodyText.contains("<img src=x"))
            if target.hasPrefix("/quer") || target.hasPrefix("/search") { #expect(page.text.contains(text)) }
        }
        #expect(search.texts == [text])
        let json = try inspected.get("/api" + target)
        #expect(json.status == .ok && json.header("Content-Type") == "application/json")
        #expect(json.header("X-Content-Type-Options") == "nosniff")
    }

    @Test(arguments: [
        "/search?text=a&id=b", "/search?text=++", "/api/search", "/api/search?text=a&id=b",
        "/api/search?text=%20",
        "/search?text=" + String(repeating: "x", count: 1_001),
    ]) func `a text that makes no sense is refused`(_ target: String) throws {
        let search = FakeSearch()
        #expect(try inspected(search).get(target).status == .badRequest)
        #expect(search.texts.allSatisfy { $0.allSatisfy(\.isWhitespace) })
    }

    @Test func `programs may ask, too`() throws {
        let inspected = try inspected()
        let answer = try inspected.get("/api/search?text=a+red+cube")
        let found = try #require(try JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
        let images = try #require(found["images"] as? [[String: Any]])
        #expect(found["count"] as? Int == 3 && images.compactMap { $0["id"] as? String } == FakeSearch.ids)
        #expect(images.map { $0["in_set"] as? Bool } == [true, false, false])
        #expect(try inspected.get("/api/search?id=\(FakeSet.id(0))").status == .ok)
        #expect(try inspected.post("/api/search", "{}").status == .notAllowed)
        #expect(try Inspected().get("/api/search?text=x").status == .notFound)
    }

    @Test func `where the encoder knows no texts, the page says so and asks for none`() throws {
        let search = FakeSearch()
        let inspected = try inspected(search, refusal: Self.reason)
        let response = try inspected.get("/search")
        let page = PagesTests.check(response, "/search")
        #expect(page.text.contains("Not in words: \(Self.reason)."))
        let field = try #require(response.bodyText.firstMatch(of: /<input[^>]*name="text"[^>]*>/)?.output)
        #expect(field.contains("disabled"))
        // Pictures are searched with as before.
        #expect(try inspected.get("/search?id=\(FakeSet.id(0))").status == .ok)
        for target in ["/search?text=a+cube", "/api/search?text=a+cube"] {
            let refused = try inspected.get(target)
            #expect(refused.status == .badRequest && refused.bodyText.contains("has no text tower"))
        }
        #expect(search.texts.isEmpty)
    }

    @Test func `queries in words are shown in words, and have no picture`() throws {
        let inspected = try inspected { $0.texts = ["a red cube", "two cones / one box"] }
        for target in ["/queries", "/query/query1", "/image/\(FakeSet.id(9))", "/audit"] {
            let page = PagesTests.check(try inspected.get(target), target)
            let pictures = page.references.filter { $0.hasPrefix("/thumb/query") }
            #expect(!pictures.contains { $0.hasPrefix("/thumb/query0?") || $0.hasPrefix("/thumb/query1?") })
            for reference in Set(page.references) where reference.hasPrefix("/") && reference != "/marks" {
                let answer = try inspected.get(String(reference.prefix { $0 != "#" }))
                #expect(answer.status == .ok || reference == "/audit", "\(target) → \(reference)")
            }
        }
        #expect(
            PagesTests.check(try inspected.get("/query/query1"), "query1").text.contains(
                "two cones / one box"))
        #expect(try inspected.site.set.place(of: "query0") == nil)
        #expect(try inspected.site.set.place(of: "query5") != nil, "a query that is an image")
        #expect(try inspected.get("/api/queries?limit=1").bodyText.contains(#""text":"a red cube""#))
    }
}
