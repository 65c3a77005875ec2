import Diagnostics
import Engine
import TestSupport
import Testing

@Suite struct GraphDiagnosticsTests {
    private func problems(_ text: String, matrix: [MatrixAxis] = [], gates: [String] = []) throws -> String {
        let problems = try #require(throws: Problems.self) {
            try Graph(pipeline(text, matrix: matrix, gates: gates), catalog: fakeStages)
        }
        #expect(problems.exitCode == .badConfiguration)
        return problems.description
    }

    @Test func `every problem is reported at once, each at its place`() throws {
        let found = try problems(
            """
            data world: splits
            teacher: train data=worl.train stps=3 learning_rate=7
            student: trin data=world.train
            length: length
            whole: length of=world
            world: join parts=[teacher]
            bad.name: length of=teacher
            """)
        #expect(
            found == """
                test.yml:3:10: error: unknown stage kind 'trin'
                  hint: did you mean 'train'?
                test.yml:6:1: error: two nodes are named 'world'
                  hint: the other one is at test.yml:1:6
                test.yml:7:1: error: 'bad.name' cannot name a node
                  hint: use letters, digits, '-' and '_'
                test.yml:2:21: error: data: unknown node 'worl'
                  hint: did you mean 'world'?
                test.yml:4:1: error: 'length' (length) needs 'of'
                  hint: of: The text.
                test.yml:5:18: error: of: 'world' is of kind texts, not text
                test.yml:2:32: error: unknown setting 'stps' for stage 'train'
                  hint: did you mean 'steps'?
                test.yml:2:53: error: learning_rate: 7 is outside 0...1
                """)
    }

    @Test func `settings are looked at where nodes read each other in a circle, too`() throws {
        let found = try problems(
            """
            data world: splits tran=x
            a: train data=world.train start=b steps=many
            b: train data=world.train start=a
            """)
        #expect(
            found == """
                test.yml:3:33: error: nodes read each other in a circle: a ← b ← a
                  hint: let one of them read something else
                test.yml:1:20: error: unknown setting 'tran' for stage 'splits'
                  hint: did you mean 'train'?
                test.yml:2:41: error: steps: 'many' is not a whole number
                  hint: write it as 3, 1e4 or 100k
                """)
    }

    @Test func `a missing setting, a wrong type and a list in a single place are named`() throws {
        let found = try problems(
            """
            data a: write
            data b: write text=[x,y]
            c: length of=[a,b]
            d: join parts=[a,a..b] seed=two
            """)
        #expect(
            found == """
                test.yml:1:6: error: 'a' (write) needs 'text'
                  hint: text: The text.
                test.yml:3:14: error: of: one artifact is read, not a list
                test.yml:2:20: error: text: a list is not a text
                test.yml:4:29: error: seed: 'two' is not a whole number
                  hint: write it as 3, 1e4 or 100k
                """)
    }

    @Test func `what is not a reference is said to be none`() throws {
        let found = try problems("data a: write text=a\nb: length of=a[x\nc: length of=.x")
        #expect(
            found == """
                test.yml:2:14: error: of: 'a[x' is not the name of a node
                  hint: write 'node' or 'node.part'
                test.yml:3:14: error: of: '.x' is not the name of a node
                  hint: write 'node' or 'node.part'
                """)
    }

    @Test func `a circle is drawn`() throws {
        let found = try problems("a: length of=c\nb: length of=a\nc: length of=b\nd: length of=d")
        #expect(
            found == """
                test.yml:2:14: error: nodes read each other in a circle: a ← c ← b ← a
                  hint: let one of them read something else
                """)
        #expect(
            try problems("d: length of=d") == """
                test.yml:1:14: error: nodes read each other in a circle: d ← d
                  hint: let one of them read something else
                """
        )
    }

    @Test func `a stage in the wrong section is sent to the right one`() throws {
        #expect(
            try problems("a: write text=a\ndata b: length of=a") == """
                test.yml:1:4: error: 'write' belongs in the section 'data'
                test.yml:2:9: error: 'length' belongs in the section 'stages'
                """)
    }

    @Test func `a kind that resembles none is answered with the kinds there are`() throws {
        #expect(
            try problems("data a: quux") == """
                test.yml:1:9: error: unknown stage kind 'quux'
                  hint: the section 'data' knows read-file, splits, timed, write
                """)
    }

    @Test func `learning from what is measured on is refused`() throws {
        #expect(
            try problems(
                """
                data world: splits
                student: train data=world.test
                other: train data=world
                fine: train data=world.train
                eval: measure models=[student,fine] images=world.test
                """) == """
                    test.yml:2:21: error: data: 'world.test' is learned from here and measured on by 'eval'
                      hint: the measurement is at test.yml:5:44; use another part
                    test.yml:3:19: error: data: 'world' is learned from here and measured on by 'eval'
                      hint: the measurement is at test.yml:5:44; use another part
                    """)
    }

    @Test func `a matrix that cannot be meant is refused`() throws {
        #expect(
            try problems(
                "data world: splits\nstudent: train data=world.train",
                matrix: [
                    axis("seed", "0", "1", to: ["studnet"]), axis("sead", "0", to: ["student"]),
                    axis("steps"),
                    axis("learning_rate", "0.1", "0.1"), axis("colour", "red"), axis("seed", "3"),
                    axis("height", "1", to: ["world"]),
                ]) == """
                    test.yml:81:3: error: unknown node 'studnet'
                      hint: did you mean 'student'?
                    test.yml:81:3: error: the matrix axis 'sead' is no setting of 'student' (train)
                      hint: did you mean 'seed'?
                    test.yml:81:3: error: the matrix axis 'steps' has no values
                    test.yml:81:3: error: the matrix axis 'learning_rate' has a value twice
                    test.yml:81:3: error: no node has a setting 'colour' to vary
                    test.yml:81:3: error: two axes of the matrix are named 'seed'
                    test.yml:81:3: error: the matrix axis 'height' is no setting of 'world' (splits)
                      hint: the settings and inputs are train, val, test
                    """)
    }

    @Test func `a bad value of an axis is reported once`() throws {
        #expect(
            try problems(
                "data world: splits\nstudent: train data=world.train\nlength: length of=student",
                matrix: [axis("seed", "0", "-1", to: ["student"]), axis("steps", "5", "6")])
                == "test.yml:81:3: error: seed: -1 is outside 0...")
    }

    @Test func `a gate that cannot be meant is refused`() throws {
        #expect(
            try problems(
                "data a: write text=a", gates: ["a.letters = 3", "b.x == 0", "a == 3", "a.x > many"]) == """
                    test.yml:91:3: error: 'a.letters = 3' is not a condition
                      hint: did you mean '=='?
                    test.yml:92:3: error: unknown node 'b'
                      hint: did you mean 'a'?
                    test.yml:93:3: error: 'a == 3' is not a condition
                      hint: write 'node.path.to.number == 0', with one of == != <= >= < >
                    test.yml:94:3: error: 'a.x > many' is not a condition
                      hint: write 'node.path.to.number == 0', with one of == != <= >= < >
                    """)
    }

    @Test func `a gate whose sign or bound is none is refused`() throws {
        #expect(
            try problems(
                "data a: write text=a",
                gates: ["a.n => 1", "a.n =< 1", "a.n == nan", "a.n < inf", "a.n === 1"])
                    == """
                    test.yml:91:3: error: 'a.n => 1' is not a condition
                      hint: did you mean '>='?
                    test.yml:92:3: error: 'a.n =< 1' is not a condition
                      hint: did you mean '<='?
                    test.yml:93:3: error: 'a.n == nan' compares with what is no finite number
                      hint: write 'node.path.to.number == 0', with one of == != <= >= < >
                    test.yml:94:3: error: 'a.n < inf' compares with what is no finite number
                      hint: write 'node.path.to.number == 0', with one of == != <= >= < >
                    test.yml:95:3: error: 'a.n === 1' is not a condition
                      hint: did you mean '=='?
                    """)
        let graph = try Graph(
            pipeline(
                "data a: write text=a\nb: join parts=[a]", matrix: [axis("seed", "0", "1")],
                gates: ["b[seed=1].counts[seed=0].top1 >= 0.5"]), catalog: fakeStages)
        #expect(graph.gates.map(\.path) == [["counts[seed=0]", "top1"]])
    }
}
