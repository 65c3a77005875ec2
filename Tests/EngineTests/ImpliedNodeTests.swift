import Diagnostics
import Engine
import TestSupport
import Testing

@Suite struct ImpliedNodeTests {
    /// Has what it reads made by a node of its own.
    private struct Twice: Stage {
        static let name: StageName = "twice"
        static let revision = 1
        static let summary = "Reads a joined text."
        @Input("The texts to join.", isOptional: true) var parts: [FakeText]
        @Input("The joined text.") var joined: FakeText?
        @Setting("What stands between them.") var separator = ""
        @Setting("What is done.") var note = ""
        @Setting("A number, to be varied.") var seed = 0

        static func implied(by given: [String: PipelineValue]) -> ImpliedNode? {
            guard given["parts"] != nil, given["joined"] == nil, given["note"]?.scalar != "direct" else {
                return nil
            }
            return ImpliedNode(
                suffix: "joined", uses: "join", input: "joined", moved: ["parts", "separator"])
        }

        func run(in context: StageContext) throws -> FakeText {
            try FakeText.write((joined?.text ?? "") + note, in: context)
        }
    }

    private func graph(_ text: String, _ matrix: MatrixAxis...) throws -> Graph {
        try Graph(pipeline(text, matrix: matrix), catalog: fakeStages + [Twice.self])
    }

    private func reads(_ graph: Graph) -> [String] {
        graph.nodes.map { node in
            "\(node.name) <- " + node.inputs.map { graph.nodes[$0.producer].name }.joined(separator: " ")
        }
    }

    @Test func `a node brings its own along, unless told not to`() throws {
        let graph = try graph(
            """
            data a: write text=a
            x: twice parts=[a] separator=+ note=n
            y: twice parts=[a] note=direct
            """)
        #expect(reads(graph) == ["a <- ", "x-joined <- a", "x <- x-joined", "y <- a"])
        #expect(graph.nodes[1].kind == "join")
        #expect(graph.indices(named: "x-joined") == [1])
    }

    @Test func `nodes that imply the same share one`() throws {
        let graph = try graph(
            """
            data a: write text=a
            x: twice parts=[a] note=1
            y: twice parts=[a] note=2
            z: twice parts=[a] separator=+
            """)
        #expect(
            reads(graph) == [
                "a <- ", "x-joined <- a", "x <- x-joined", "y <- x-joined", "z-joined <- a", "z <- z-joined",
            ])
    }

    @Test func `the matrix spreads what it varies, and nothing else`() throws {
        let text = "data a: write text=a\nx: twice parts=[a]"
        #expect(
            try reads(graph(text, axis("note", "1", "2", to: ["x"]))) == [
                "a <- ", "x-joined <- a", "x[note=1] <- x-joined", "x[note=2] <- x-joined",
            ])
        // An axis for every node that has the setting is for those that are written.
        #expect(
            try reads(graph(text, axis("seed", "0", "1"))) == [
                "a <- ", "x-joined <- a", "x[seed=0] <- x-joined", "x[seed=1] <- x-joined",
            ])
        #expect(
            try reads(graph(text, axis("separator", "+", "-", to: ["x"]))) == [
                "a <- ", "x-joined[separator=+] <- a", "x-joined[separator=-] <- a",
                "x[separator=+] <- x-joined[separator=+]", "x[separator=-] <- x-joined[separator=-]",
            ])
    }

    @Test func `it is made once, and found again`() throws {
        let bench = try Bench()
        let text = "data a: write text=a\nx: twice parts=[a,a] separator=+ note=n"
        let graph = try graph(text)
        let first = try bench.run(graph)
        #expect(try bench.text(first, "x") == "a+an")
        #expect(first.stages["x-joined"]?.state == .ran)
        #expect(try bench.run(graph).stages.values.allSatisfy { $0.state == .cached })
    }

    @Test func `a name that is taken is a problem`() throws {
        let text = "data a: write text=a\nx: twice parts=[a]\nx-joined: length of=a"
        let problems = #expect(throws: Problems.self) { try graph(text) }
        #expect(
            try #require(problems).description == """
                test.yml:2:1: error: 'x' (twice) brings along a node 'x-joined', and another node has that name
                  hint: rename one of them, or give 'joined' yourself
                """)
    }
}
