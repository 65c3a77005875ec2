import Diagnostics
import Testing

@Suite struct DiagnosticTests {
    @Test func `a diagnostic reads like a compiler's`() {
        let diagnostic = Diagnostic(
            "unknown setting 'temprature'", at: SourceLocation("food.yml", 14, 7),
            hint: "temprature".didYouMean(["temperature", "epochs"]))
        #expect(
            diagnostic.description == """
                food.yml:14:7: error: unknown setting 'temprature'
                  hint: did you mean 'temperature'?
                """)
    }

    @Test func `control characters are shown and not obeyed`() {
        #expect("a\u{1B}[31mb\u{7F}\u{9B}\r\n\tü".printable == #"a\u{1B}[31mb\u{7F}\u{9B}\r"# + "\n\tü")
        #expect("a\nb\tc\u{1B}".onOneLine == #"a\nb\tc\u{1B}"#)
        #expect("it's \"so\" \\ – ü".onOneLine == "it's \"so\" \\ – ü")
        let diagnostic = Diagnostic(
            "unknown node '\u{1B}[2J'", at: SourceLocation("a\nb", 1, 2), hint: "one\ntwo\u{7}")
        #expect(
            diagnostic.description == #"""
                a\nb:1:2: error: unknown node '\u{1B}[2J'
                  hint: one
                two\u{7}
                """#)
        #expect(
            diagnostic.text {
                "<\($0)>"
            } word: {
                "<\($0)>"
            }.hasPrefix(#"<a\nb:1:2:> <error:> unknown"#))
    }

    @Test func `a far word is not suggested`() {
        #expect("xyz".nearest(in: ["temperature", "epochs"]) == nil)
        #expect("epoch".nearest(in: ["temperature", "epochs"]) == "epochs")
    }

    @Test func `warnings alone do not stop the work`() throws {
        var problems = Problems([Diagnostic("odd", severity: .warning)])
        try problems.check()
        problems.report(Diagnostic("missing", exitCode: .inputMissing))
        #expect(throws: problems) { try problems.check() }
        #expect(problems.exitCode == .inputMissing)
    }
}
