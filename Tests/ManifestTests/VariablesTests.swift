import Diagnostics
import Engine
import Testing

@Suite struct VariablesTests {
    @Test func `variables may use the environment and each other`() throws {
        let spec = try pipeline(
            """
            retort: 1
            name: "${vars.set}-run"
            vars: {pool: "${vars.root}/pool", root: "${env.ROOT:-data}", set: "${env.SET}", empty: "${env.NONE:-}"}
            stages: {a: {uses: "${vars.set}", x: "<${vars.pool}|${vars.empty}>", y: ["$${vars.x}", 5$, "$$"]}}
            gates: ["a.n > ${env.N:-3}"]
            """, environment: ["SET": "food", "ROOT": ""])
        #expect(spec.name == "food-run")
        #expect(spec.nodes.first?.uses == "food")
        #expect(spec.settings("a") == "{x: <data/pool|>, y: [${vars.x}, 5$, $$]}")
        #expect(spec.gates.map(\.text) == ["a.n > 3"])
    }

    @Test func `a default may have references and braces of its own`() throws {
        let spec = try pipeline(
            """
            retort: 1
            vars: {base: /data, deep: "${env.NOPE:-${vars.base}/deep}"}
            stages:
              a:
                uses: x
                b: "${env.NOPE:-${vars.base}/x}/y"
                c: "${env.NOPE:-${env.NONE:-${vars.deep}}}"
                d: "${env.SET:-${vars.nowhere}}"
                e: "${env.NOPE:-pool-{000..010}.tar}"
                f: "${env.NOPE:-$${a}}"
            """, environment: ["SET": "set"])
        #expect(
            spec.settings("a")
                == "{b: /data/x/y, c: /data/deep, d: set, e: pool-{000..010}.tar, f: ${a}}")
        #expect(spec.sources["a.b"] == "food.yaml:6:5, vars.base from food.yaml:2:8")
        #expect(
            problems(
                """
                retort: 1
                vars: {a: "${env.NOPE:-${vars.a}}"}
                stages: {s: {uses: x, p: "${env.NOPE:-${vars.nowhere}}", q: "${env.NOPE:-${vars.a}"}}
                """) == """
                    food.yaml:2:11: error: variables refer to each other: vars.a → vars.a
                    food.yaml:3:26: error: unknown variable 'nowhere'
                      hint: declare it under 'vars'
                    food.yaml:3:61: error: '${' without '}'
                      hint: write '$${' for a literal '${'
                    exit 78
                    """)
    }

    @Test func `unknown references are located and corrected`() {
        #expect(
            problems(
                """
                retort: 1
                vars: {keep: 1, pool: a}
                stages:
                  a: {uses: x, size: "${vars.kepp}", b: "${keep}", c: "${var.pool}", d: "${vars.pool.b}"}
                  b: {uses: x, e: "${env.NOT_SET}", f: "${vars.keep", g: "${}"}
                """) == """
                    food.yaml:4:22: error: unknown variable 'kepp'
                      hint: did you mean 'keep'?
                    food.yaml:4:41: error: unknown reference '${keep}'
                      hint: write '${vars.keep}'
                    food.yaml:4:55: error: unknown reference '${var.pool}'
                      hint: did you mean 'vars.pool'?
                    food.yaml:4:73: error: unknown variable 'pool.b'
                      hint: did you mean 'pool'?
                    food.yaml:5:19: error: the environment variable 'NOT_SET' is not set
                      hint: set it, or give it a default: ${env.NOT_SET:-value}
                    food.yaml:5:40: error: '${' without '}'
                      hint: write '$${' for a literal '${'
                    food.yaml:5:58: error: unknown reference '${}'
                      hint: references are ${vars.NAME} and ${env.NAME:-default}
                    exit 78
                    """)
    }

    @Test func `a broken variable is reported once, however often it is used`() {
        #expect(
            problems(
                """
                retort: 1
                vars: {a: "${vars.b}", b: "${vars.c}", c: "${vars.a}", list: [1], bad: "${vars.nix}"}
                stages: {s: {uses: x, p: "${vars.a}", q: "${vars.bad} ${vars.bad}", r: "${vars.list}"}}
                """) == """
                    food.yaml:2:43: error: variables refer to each other: vars.a → vars.b → vars.c → vars.a
                    food.yaml:2:62: error: the variable 'list' must be a single value, not a list
                    food.yaml:2:72: error: unknown variable 'nix'
                      hint: declare it under 'vars'
                    exit 78
                    """)
    }
}
