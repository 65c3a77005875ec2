import Diagnostics
import Engine
import Foundation
import Manifest
import TestSupport
import Testing

/// Problems of the file and of what it declares, together.
@Suite struct GraphTests {
    private func problems(_ text: String, overrides: [String] = [], profile: String? = nil) throws -> String {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "food.yaml")
        let problems = try #require(throws: Problems.self) {
            try Manifest.graph(
                file: URL(filePath: "food.yaml", relativeTo: folder.url), overrides: overrides,
                profile: profile, catalog: fakeStages)
        }
        return problems.description
    }

    @Test func `what the stages say is looked at where the file has problems, too`() throws {
        let found = try problems(
            """
            retort: 1
            stage: {third: {uses: length, of: first}}
            data:
              world: {kind: splits, tran: a}
            stages:
              first: {uses: train, data: world.train, steps: many}
              second: {uses: length, of: frst}
            gates: ["first.steps >", "nowhere.x == 0"]
            """, profile: "nope")
        #expect(
            found == """
                food.yaml:2:1: error: unknown section 'stage'
                  hint: did you mean 'stages'?
                error: unknown profile 'nope'
                  hint: the pipeline file declares no profiles
                food.yaml:7:30: error: of: unknown node 'frst'
                  hint: did you mean 'first'?
                food.yaml:4:25: error: unknown setting 'tran' for stage 'splits'
                  hint: did you mean 'train'?
                food.yaml:6:50: error: steps: 'many' is not a whole number
                  hint: write it as 3, 1e4 or 100k
                food.yaml:8:9: error: 'first.steps >' is not a condition
                  hint: write 'node.path.to.number == 0', with one of == != <= >= < >
                food.yaml:8:26: error: unknown node 'nowhere'
                """)
    }

    @Test func `nothing is said about what is not known because of another problem`() throws {
        let found = try problems(
            """
            retort: 1
            stage: {third: {uses: length, of: first}}
            data:
              world: {kind: splits}
              text: {kind: write, text: "${vars.nowhere}"}
              given: {kind: write}
            stages:
              first: {uses: train, data: "${vars.nowhere}", steps: "${vars.nowhere}", seeed: 3}
              2nd: {uses: length, of: first}
              other: length
              none: {of: first}
              join: {uses: join, parts: [2nd, other, third, none, "first[seed=1]"]}
              last: {uses: join, parts: join, resources: {threads: "${vars.nowhere}"}}
            matrix:
              seed: [1, 1]
              separator: {values: [a], to: [nobody]}
            gates: ["other.x == 0", "third.x == ${vars.nowhere}"]
            profiles: {full: {given.text: a}}
            """, overrides: ["world.train=[a"], profile: "ful")
        #expect(
            found == """
                food.yaml:2:1: error: unknown section 'stage'
                  hint: did you mean 'stages'?
                food.yaml:9:3: error: '2nd' cannot name a node
                  hint: a name is letters, digits, '-' and '_', and starts with a letter
                food.yaml:10:10: error: the node 'other' must be a map, not 'length'
                food.yaml:18:1: error: unknown profile 'ful'
                  hint: did you mean 'full'?
                -s world.train=[a:1:15: error: the file is not valid YAML: while parsing a flow sequence, \
                did not find expected ',' or ']'
                  hint: a list that began with '[' must end with ']'
                food.yaml:5:29: error: unknown variable 'nowhere'
                  hint: declare it under 'vars'
                food.yaml:8:30: error: unknown variable 'nowhere'
                  hint: declare it under 'vars'
                food.yaml:8:56: error: unknown variable 'nowhere'
                  hint: declare it under 'vars'
                food.yaml:11:3: error: 'none' does not say what it is
                  hint: add 'uses:', such as 'uses: fine-tune'
                food.yaml:13:56: error: unknown variable 'nowhere'
                  hint: declare it under 'vars'
                food.yaml:15:13: error: the matrix axis 'seed' lists '1' twice
                food.yaml:16:33: error: the matrix axis 'separator' goes to 'nobody', which the pipeline does not declare
                food.yaml:17:25: error: unknown variable 'nowhere'
                  hint: declare it under 'vars'
                food.yaml:8:75: error: unknown setting 'seeed' for stage 'train'
                  hint: did you mean 'seed'?
                """)
    }
}
