import Testing

@testable import retort

/// The columns of a terminal.
@Suite struct DisplayColumnsTests {
    @Test(arguments: [
        ("abc", 3), ("é", 1), ("e\u{301}", 1), ("… █░ ✓ 5 %", 10), ("漢字", 4), ("ｱ", 1), ("Ａ", 2), ("한", 2),
        ("\u{1112}\u{1161}\u{11AB}", 2), ("🙂", 2), ("❤\u{FE0F}", 2), ("🇫🇷", 4), ("\u{1B}[31mred\u{1B}[0m", 3),
        ("\u{20000}", 2), ("a\u{200D}b", 2), ("a\tb\u{7}", 2), ("", 0), ("\u{1B}[", 0),
    ])
    func `a text takes so many columns`(_ text: String, _ columns: Int) {
        #expect(text.columns == columns)
        #expect(text.cut(toColumns: columns).columns == columns)
    }

    @Test func `a cut keeps colours and whole characters`() {
        #expect("abcdef".cut(toColumns: 3) == "abc")
        #expect("漢字漢".cut(toColumns: 5) == "漢字")
        #expect("ae\u{301}b".cut(toColumns: 2) == "ae\u{301}")
        #expect("\u{1B}[1m漢字\u{1B}[0m".cut(toColumns: 3) == "\u{1B}[1m漢\u{1B}[0m")
        #expect("a\u{1B}[2Jb\nc\u{1B}[A".cut(toColumns: 9) == "abc")
        #expect("abc".cut(toColumns: 0) == "" && "漢".cut(toColumns: -1) == "")
        #expect("漢".padded(toColumns: 4) == "漢  " && "漢字".padded(toColumns: 3) == "漢字")
    }

    @Test func `lines that do not fit are counted, and the least important ones left out`() {
        let block = RedrawnLines(size: (6, 5))
        #expect(block.fitting(["a", "b", "c"], beside: 1) == ["a", "b", "c"])
        #expect(block.fitting(["a", "b", "c", "d", "e"], beside: 1) == ["a", "b", "… and 3 more"])
        #expect(
            block.fitting(["a", "b", "c", "d"], beside: 1) { $0 == 0 ? 1 : 0 } == ["b", "c", "… and 2 more"])
        #expect(block.cut(["head", "漢字漢", "1", "2", "3"]) == ["漢字", "1", "2", "3"])
        #expect(RedrawnLines(size: (6, 1)).fitting(["a", "b"], beside: 1) == ["… and 2 more"])
    }
}
