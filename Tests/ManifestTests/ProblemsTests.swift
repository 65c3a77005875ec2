import Diagnostics
import Engine
import Testing

@Suite struct ProblemsTests {
    @Test func `all problems of a file are reported at once`() {
        #expect(
            problems(
                """
                retort: 2
                stage: {}
                data:
                  target: {uses: imagefolder}
                  pool: webdataset
                stages:
                  pool: {uses: embed}
                  teacher: {epochs: 3}
                  1st: {uses: embed}
                  vars: {uses: embed}
                  eval: {uses: [evaluate]}
                matrix:
                  seed: {value: [1], to: [teachr]}
                  lr: {values: [1, 1]}
                  none: []
                  scalar: 3
                gates: {a: b}
                """) == """
                    food.yaml:1:9: error: unsupported pipeline version '2'
                      hint: this Retort reads 'retort: 1'
                    food.yaml:2:1: error: unknown section 'stage'
                      hint: did you mean 'stages'?
                    food.yaml:5:9: error: the node 'pool' must be a map, not 'webdataset'
                    food.yaml:7:3: error: a node named 'pool' exists already
                      hint: the first one is at food.yaml:5:3
                    food.yaml:9:3: error: '1st' cannot name a node
                      hint: a name is letters, digits, '-' and '_', and starts with a letter
                    food.yaml:10:3: error: 'vars' cannot name a node
                      hint: profiles and overrides use this word
                    food.yaml:17:8: error: 'gates' must be a list, not a map
                    food.yaml:4:12: error: the kind of 'target' is written with 'kind:'
                      hint: in 'data', write 'kind:' instead of 'uses:'
                    food.yaml:8:3: error: 'teacher' does not say what it is
                      hint: add 'uses:', such as 'uses: fine-tune'
                    food.yaml:11:16: error: 'uses' must be a single value, not a list
                    food.yaml:13:10: error: unknown key 'value' in the matrix axis 'seed'
                      hint: did you mean 'values'?
                    food.yaml:13:27: error: the matrix axis 'seed' goes to 'teachr', which the pipeline does not declare
                      hint: did you mean 'teacher'?
                    food.yaml:13:3: error: the matrix axis 'seed' has no values
                      hint: write 'seed: {values: [0, 1, 2], to: [target]}'
                    food.yaml:14:20: error: the matrix axis 'lr' lists '1' twice
                    food.yaml:15:9: error: the matrix axis 'none' has no values
                    food.yaml:16:11: error: the values of the matrix axis 'scalar' must be a list, not '3'
                    exit 78
                    """)
    }

    @Test(arguments: [
        ("", "food.yaml:1:1: error: the pipeline file is empty\n  hint: start it with 'retort: 1'"),
        (
            "- a",
            """
            food.yaml:1:1: error: a pipeline file is a map of sections
              hint: the sections are retort, name, include, vars, data, models, stages, matrix, gates, profiles
            """
        ),
        (
            "stages: {a: {uses: x}}",
            """
            food.yaml:1:1: error: the pipeline file does not state its version
              hint: start it with 'retort: 1'
            """
        ),
        (
            "retort: 1\nstages:\nname: a",
            """
            food.yaml:1:1: error: the pipeline declares no nodes
              hint: declare them under 'data', 'models' and 'stages'
            """
        ),
    ])
    func `a file that is no pipeline says how one begins`(text: String, expected: String) {
        #expect(problems(text) == expected + "\nexit 78")
    }

    @Test(arguments: [
        (
            "retort: 1\nstages: {a: [1, 2}\n",
            """
            2:18: error: the file is not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'
              hint: a list that began with '[' must end with ']'
            """
        ),
        (
            "retort: 1\nstages:\n\ta: 1\n",
            """
            3:1: error: the file is not valid YAML: while scanning for the next token, \
            found character that cannot start any token
              hint: indent with spaces; YAML does not allow tabs there
            """
        ),
        (
            "retort: 1\nstages:\n  a: {uses: x, lr: 1, lr: 2}\n",
            "3:16: error: the key 'lr' is written more than once in the same map\n  hint: keep one of them"
        ),
        (
            "retort: 1\nstages:\n  a: {uses: x, 1: a, \"1\": b}\n",
            "3:22: error: the key '1' is written more than once in the same map\n  hint: keep one of them"
        ),
        ("retort: 1\nstages: *nowhere\n", "2:9: error: the file is not valid YAML: found undefined alias"),
        (
            "retort: 1\nstages: {}\n---\nretort: 1\n",
            """
            3:1: error: the file is not valid YAML: expected a single document in the stream, \
            but found another document
            """
        ),
        (
            "retort: 1\nname: a\u{1}b\n",
            "2:8: error: the file is not valid YAML: control characters are not allowed"
        ),
        ("retort: 1\nstages: {<<: 3}\n", "2:10: error: '<<' merges maps: write '<<: *anchor' of a map"),
        ("retort: 1\n[a]: 1\n", "2:1: error: a key must be a word, not a list or a map"),
    ])
    func `broken YAML is located in the parser's own words`(text: String, expected: String) {
        #expect(problems(text) == "food.yaml:" + expected + "\nexit 78")
    }

    @Test func `aliases cannot stand for more than memory holds`() {
        var text = "x-a: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]\n"
        for level in 1...7 {
            let alias = "*a\(level - 1)"
            text +=
                "x-\(level): &a\(level) [" + Array(repeating: alias, count: 10).joined(separator: ", ")
                + "]\n"
        }
        #expect(problems(text).contains("error: the pipeline file has more than 100000 values\n"))
    }
}
