import Diagnostics
import TestSupport
import Testing

@testable import Engine

@Suite struct MatrixTests {
    private func reads(_ graph: Graph, _ name: String) throws -> [String] {
        let node = try #require(graph.nodes.first { $0.name == name })
        return node.inputs.map { graph.nodes[$0.producer].name + ($0.selector.map { ".\($0)" } ?? "") }
    }

    private static let text = """
        data world: splits
        transfer: train data=world.train
        student: train data=world.val start=transfer
        probe: length of=student
        eval: measure models=[student,transfer] images=world.test
        """

    @Test func `nodes are repeated along an axis, readers follow, and lists gather`() throws {
        let graph = try Graph(
            pipeline(Self.text, matrix: [axis("seed", "0", "1", to: ["transfer", "student"])]),
            catalog: fakeStages)
        #expect(
            graph.nodes.map(\.name) == [
                "world", "transfer[seed=0]", "transfer[seed=1]", "student[seed=0]", "student[seed=1]",
                "probe[seed=0]", "probe[seed=1]", "eval",
            ])
        #expect(try reads(graph, "student[seed=1]") == ["world.val", "transfer[seed=1]"])
        #expect(try reads(graph, "probe[seed=0]") == ["student[seed=0]"])
        #expect(
            try reads(graph, "eval") == [
                "student[seed=0]", "student[seed=1]", "transfer[seed=0]", "transfer[seed=1]", "world.test",
            ])
        #expect(graph.nodes[4].matrix == ["seed": "1"])
    }

    @Test func `two axes make every combination, in the order of the axes`() throws {
        let graph = try Graph(
            pipeline(
                Self.text,
                matrix: [
                    axis("learning_rate", "0.1", "0.2", to: ["transfer"]),
                    axis("seed", "0", "1", to: ["student"]),
                ]),
            catalog: fakeStages)
        #expect(
            graph.nodes.map(\.name).filter { $0.hasPrefix("student") } == [
                "student[learning_rate=0.1,seed=0]", "student[learning_rate=0.2,seed=0]",
                "student[learning_rate=0.1,seed=1]", "student[learning_rate=0.2,seed=1]",
            ])
        #expect(
            try reads(graph, "student[learning_rate=0.2,seed=1]") == [
                "world.val", "transfer[learning_rate=0.2]",
            ])
        #expect(graph.indices(named: "student").count == 4)
        #expect(graph.indices(named: "student[learning_rate=0.1,seed=1]").count == 1)
    }

    @Test func `an axis without 'to' applies to every node that has the setting`() throws {
        let graph = try Graph(pipeline(Self.text, matrix: [axis("steps", "3", "4")]), catalog: fakeStages)
        #expect(
            graph.nodes.map(\.name).filter { $0.hasPrefix("transfer") } == [
                "transfer[steps=3]", "transfer[steps=4]",
            ])
        #expect(try reads(graph, "student[steps=3]") == ["world.val", "transfer[steps=3]"])
    }

    @Test func `an axis can vary what is read`() throws {
        let graph = try Graph(
            pipeline(
                "data a: write text=a\ndata b: write text=b\nc: length",
                matrix: [axis("of", "a", "b", to: ["c"])]),
            catalog: fakeStages)
        #expect(try reads(graph, "c[of=b]") == ["b"])
    }

    @Test func `one point can be named`() throws {
        let graph = try Graph(
            pipeline(
                "data world: splits\nstudent: train data=world.train\nbest: length of=student[seed=1]",
                matrix: [axis("seed", "0", "1", to: ["student"])]), catalog: fakeStages)
        #expect(try reads(graph, "best") == ["student[seed=1]"])
        let problems = try #require(throws: Problems.self) {
            try Graph(
                pipeline(
                    "data world: splits\nstudent: train data=world.train\nbest: length of=student[seed=7]",
                    matrix: [axis("seed", "0", "1", to: ["student"])]), catalog: fakeStages)
        }
        #expect(
            problems.description == """
                test.yml:3:17: error: of: the matrix has no 'student[seed=7]'
                  hint: there are student[seed=0], student[seed=1]
                """)
    }

    @Test func `a matrix of far too many points is refused at once`() throws {
        func axis(_ name: String, _ count: Int) -> MatrixAxis {
            MatrixAxis(
                name, values: (0..<count).map { "\($0)" }, to: ["student"],
                at: SourceLocation("test.yml", 81, count))
        }
        let text = "data world: splits\nstudent: train data=world.train\nlast: length of=student"
        func problem(_ matrix: [MatrixAxis]) throws -> String {
            try #require(throws: Problems.self) {
                try Graph(pipeline(text, matrix: matrix), catalog: fakeStages)
            }.description
        }
        #expect(
            try problem([axis("steps", 300), axis("seed", 301), axis("learning_rate", 302)]) == """
                test.yml:81:302: error: with 'student' at 27270600 points of the matrix, the pipeline has more than \
                100000 stages
                  hint: vary fewer settings, or give them fewer values
                """)
        // No product is larger than the largest number.
        let many = (0..<12).map { number in
            MatrixAxis(
                "seed\(number)", values: (0..<100).map { "\($0)" }, at: SourceLocation("test.yml", 81, 1))
        }
        #expect(GraphBuilder(pipeline(text, matrix: many), catalog: fakeStages).count(many) == .max)
    }

    @Test func `at many points every node reads what is at its point`() throws {
        let seeds = MatrixAxis(
            "seed", values: (0..<2_000).map { "\($0)" }, to: ["student"],
            at: SourceLocation("test.yml", 81, 3))
        let text = """
            data world: splits
            student: train data=world.train
            length: length of=student
            eval: measure models=[length] images=world.test
            """
        let graph = try Graph(pipeline(text, matrix: [seeds]), catalog: fakeStages)
        #expect(graph.nodes.count == 4_002)
        #expect(try reads(graph, "length[seed=1999]") == ["student[seed=1999]"])
        #expect(try reads(graph, "eval").count == 2_001)
    }
}
