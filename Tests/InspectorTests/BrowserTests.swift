import Foundation
import Search
import TestSupport
import Testing

@testable import Inspector

@Suite(
    .enabled(
        if: WebDriver.isInstalled,
        "there is no \(WebDriver.program): install Debian's chromium and chromium-driver to test in a browser"
    ),
    .serialized)
struct BrowserTests {
    /// A server on a fake set and a browser that has opened it.
    private final class Visit {
        let inspected: Inspected
        let server: InspectorServer
        let browser: WebDriver
        var base: String { "http://127.0.0.1:\(server.port)" }
        var marks: Marks { get throws { try Marks(file: inspected.options.marks) } }

        init(
            search: PoolSearch? = nil, width: Int = 1280, _ change: (inout FakeSet) -> Void = { _ in }
        ) throws {
            inspected = try Inspected(change)
            var options = inspected.options
            options.against = inspected.folder.appending("store/other")
            server = try InspectorServer(options, thumbnails: Inspected.picture, search: search)
            server.prepare()
            browser = try WebDriver(width: width)
            try browser.open(server.address)
        }

        deinit { server.stop() }

        func go(_ path: String) throws { try browser.open(base + path) }
    }

    private let first = "document.querySelector('[data-image]').dataset.image"
    private func mark(_ id: String) -> String {
        "document.querySelector('[data-image=\"\(id)\"]').dataset.mark"
    }

    @Test func `a reviewer works through the set by keyboard`() throws {
        let visit = try Visit()
        let browser = visit.browser
        // The token has left the address bar.
        #expect(try browser.address() == visit.base + "/")
        try browser.expect("document.querySelector('h1').textContent", "Overview")

        // Sort, by the form.
        try visit.go("/sheet?size=24")
        let initial = try browser.text(first)
        try browser.run(
            "const s = document.querySelector('[name=sort]'); s.value = 'low'; s.dispatchEvent(new Event('change', {bubbles: true}))"
        )
        try browser.expect("location.search", "?sort=low&size=24")
        let lowest = try browser.text(first)
        #expect(lowest != initial)

        // The next pages come as they are needed.
        try browser.run("window.scrollTo(0, document.body.scrollHeight)")
        try browser.expect("document.querySelectorAll('.grid').length", "3")
        try browser.run("window.scrollTo(0, document.body.scrollHeight)")
        try browser.expect(
            "new Set([...document.querySelectorAll('[data-image]')].map(i => i.dataset.image)).size", "60")
        try browser.run("window.scrollTo(0, 0)")

        // Filter, by the address.
        try visit.go("/sheet?class=bus&sort=low")
        try browser.expect("document.getElementById('count').dataset.count", "20")
        let ids = try browser.text(
            "[...document.querySelectorAll('[data-image]')].slice(0, 3).map(i => i.dataset.image)"
        )
        .split(separator: ",").map(String.init)

        // Mark by key: reject the first, which moves on; accept the second; reject and undo the third.
        try browser.press("jrar")
        try browser.expect("document.body.dataset.saved", "3")
        for (id, word) in zip(ids, ["reject", "accept", "reject"]) { try browser.expect(mark(id), word) }
        try browser.press("u")
        try browser.expect("document.body.dataset.saved", "4")
        try browser.expect(mark(ids[2]), "")
        #expect(try visit.marks.all.map(\.id).sorted() == ids.prefix(2).sorted())

        // What was marked is there after a reload, and can be filtered.
        try visit.go("/sheet?class=bus&sort=low")
        try browser.expect(mark(ids[0]), "reject")
        try browser.expect(mark(ids[2]), "")
        try visit.go("/sheet?mark=accept")
        try browser.expect("document.getElementById('count').dataset.count", "1")

        // A button takes its own mark back.
        try browser.run("document.querySelector('[data-set=accept]').click()")
        try browser.expect("document.body.dataset.saved", "1")
        #expect(try visit.marks[ids[1]] == nil)
        #expect(try browser.complaints() == [])
    }

    @Test func `marks work without any script`() throws {
        let visit = try Visit()
        let browser = visit.browser
        let id = FakeSet.id(0)
        try visit.go("/image/\(id)")
        // Submits the form itself, as a browser without scripts does.
        try browser.run(
            "const b = document.querySelector('[data-set=duplicate]'); b.form.requestSubmit(b)")
        try browser.expect(mark(id), "duplicate")
        try browser.expect("document.querySelector('[data-set=duplicate]').value", "none \(id)")
        #expect(try visit.marks[id] == .duplicate)
    }

    @Test func `a threshold is dragged`() throws {
        let visit = try Visit()
        let browser = visit.browser
        try visit.go("/threshold")
        try browser.expect("document.querySelector('.plot').classList.contains('live')", "true")
        try browser.expect("document.querySelector('[data-figure=kept]').textContent", "60")
        func place(_ share: Double) throws -> (Double, Double) {
            let text = try browser.text(
                "(() => { const b = document.querySelector('.plot svg').getBoundingClientRect(); return [b.left + b.width * \(share), b.top + b.height / 2] })()"
            )
            let numbers = text.split(separator: ",").compactMap { Double($0) }
            return (numbers[0], numbers[1])
        }
        try browser.drag(from: place(0.5), to: place(0.86))
        try browser.expect(
            "document.getElementById('threshold').dataset.settled === document.getElementById('value').value",
            "true")
        let value = try #require(Double(try browser.text("document.getElementById('value').value")))
        let kept = visit.inspected.site.set.table.similarities.count { $0 >= Float(value) }
        #expect(kept > 0 && kept < 60)
        try browser.expect("document.querySelector('[data-figure=kept]').textContent", "\(kept)")
        try browser.expect("document.querySelector('[data-figure=dropped]').textContent", "\(60 - kept)")
        #expect(try browser.address().contains("threshold="))
        #expect(try browser.complaints() == [])
    }

    @Test func `an audit is answered by keyboard`() throws {
        let visit = try Visit()
        let browser = visit.browser
        try visit.go("/audit")
        for (number, key) in ["y", "y", "n", "y"].enumerated() {
            let before = try browser.text("document.querySelector('.audit').dataset.image")
            try browser.press(key)
            try browser.expect("document.querySelector('.audit')?.dataset.image !== '\(before)'", "true")
            try browser.expect(
                "Number(document.getElementById('precision').dataset.yes) + Number(document.getElementById('precision').dataset.no)",
                "\(number + 1)")
        }
        try browser.expect("document.getElementById('precision').textContent.includes('n = 4')", "true")
        try browser.press("u")
        try browser.expect("document.getElementById('precision').dataset.yes", "2")
        #expect(try browser.complaints() == [])
    }

    @Test func `images are searched for in words, and what is found is marked by keyboard`() throws {
        let search = FakeSearch()
        let visit = try Visit(search: PoolSearch(refusalOfTexts: nil) { search })
        let browser = visit.browser
        try visit.go("/search")
        try browser.expect("document.getElementById('search-text').elements.text.disabled", "false")
        // An empty form is held back by the browser; keys of marks are letters while a text is typed.
        try browser.run("document.getElementById('search-text').elements.text.focus()")
        try browser.press("\u{E007}")
        try browser.press("a red jar\u{E007}")
        try browser.expect("location.search", "?text=a+red+jar")
        try browser.expect("document.querySelectorAll('[data-image]').length", "3")
        try browser.expect("document.getElementById('search-text').elements.text.value", "a red jar")
        #expect(search.texts == ["a red jar"])
        #expect(try visit.marks.all.isEmpty)

        // The first is rejected by key, and the rejection outlives the page.
        try browser.press("jr")
        try browser.expect("document.body.dataset.saved", "1")
        try browser.expect(mark(FakeSearch.ids[0]), "reject")
        try visit.go("/search?text=a+red+jar")
        try browser.expect(mark(FakeSearch.ids[0]), "reject")
        #expect(try visit.marks.all.map(\.id) == [FakeSearch.ids[0]])

        // From a picture to its like.
        try visit.go("/image/\(FakeSearch.ids[1])")
        try browser.run("document.querySelector('a[href^=\"/search?id=\"]').click()")
        try browser.expect("location.pathname", "/search")
        try browser.expect("document.querySelectorAll('.grid [data-image]').length", "3")
        #expect(try browser.complaints() == [])
    }

    @Test func `no page is wider than a phone, and none complains`() throws {
        let search = PoolSearch(refusalOfTexts: nil) { FakeSearch() }
        let visit = try Visit(search: search) {
            $0.classes = ["a rather long name of a class", "bus", "camel"]
        }
        let browser = visit.browser
        try browser.resize(width: 375, height: 800)
        for path in [
            "/", "/sheet", "/queries", "/query/query3", "/threshold", "/duplicates", "/leakage", "/dropped",
            "/image/\(FakeSet.id(0))", "/diff", "/audit", "/search",
            "/search?text=\(String(repeating: "long", count: 40))",
        ] {
            try visit.go(path)
            #expect(try browser.text("document.documentElement.scrollWidth - innerWidth") == "0", "\(path)")
            #expect(
                try browser.text("[...document.images].every(i => !i.complete || i.naturalWidth > 0)")
                    == "true")
            // Everything that can be pressed has a name.
            #expect(
                try browser.text(
                    "[...document.querySelectorAll('button, a, input:not([type=hidden]), select')].filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.querySelector('img[alt]'))).length"
                ) == "0", "\(path)")
        }
        #expect(try browser.complaints() == [])
    }
}
