import Testing

@testable import Report

@Suite struct MarkupTests {
    static let hostile = "</script><img src=x onerror=\"alert('1')\"/>&amp;\u{0}\u{1B}[31m ]]> 猫.jpg"

    @Test func `text cannot become markup`() {
        let markup = HTML.p(.title(Self.hostile)) { Self.hostile }
        #expect(
            markup.rendered == """
                <p title="\(Self.escaped)">\(Self.escaped)</p>

                """)
    }

    private static let escaped =
        "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;/&gt;&amp;amp;"
        + "\u{FFFD}\u{FFFD}[31m ]]&gt; 猫.jpg"

    @Test func `elements without content are closed`() {
        #expect(HTML.td(.class("a")).rendered == #"<td class="a"></td>"#)
        #expect(HTML.img(.src("thumbs/a.jpg")).rendered == #"<img src="thumbs/a.jpg"/>"#)
    }

    @Test func `blocks may branch and repeat`() {
        let build = { (count: Int) in
            HTML.span {
                for number in 0..<count { "\(number)" }
                if count > 2 { HTML.strong { "many" } } else { "few" }
            }.rendered
        }
        #expect(build(1) == "<span>0few</span>")
        #expect(build(3) == "<span>012<strong>many</strong></span>")
    }

    @Test func `a group of nothing is empty and an element is not`() {
        #expect(Markup.group([.empty, .text("")]).isEmpty)
        #expect(!HTML.div().isEmpty)
    }

    @Test func `JSON cannot end the script it stands in`() {
        #expect(Markup.json(#"{"a":"</script>&"}"#).rendered == #"{"a":"\u003c/script\u003e\u0026"}"#)
    }
}
