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
