import Engine
import Report
import Testing

/// What every stage owes its users; a new stage gets these tests for free.
@Suite struct ConformanceTests {
    private static let schemas = stageCatalog.map { StageSchema($0) }

    @Test(arguments: schemas) func `declares every property it stores`(_ schema: StageSchema) {
        #expect(schema.undeclared == [])
    }

    @Test(arguments: schemas) func `explains itself and every property in sentences`(_ schema: StageSchema) {
        #expect(schema.summary.hasSuffix("."), "\(schema.name) needs a sentence of summary")
        for (name, help) in schema.inputs.map({ ($0.name, $0.help) })
            + schema.settings.map({ ($0.name, $0.help) })
        {
            #expect(
                help.hasSuffix(".") && help.first?.isUppercase == true, "\(schema.name).\(name): '\(help)'")
        }
    }

    @Test(arguments: schemas) func `is named in kebab-case, its keys in snake_case`(_ schema: StageSchema) {
        #expect(schema.name.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
        for key in schema.keys { #expect(key.wholeMatch(of: /[a-z]+(_[a-z]+)*/) != nil, "\(key)") }
    }

    @Test func `names are unique`() {
        #expect(Set(Self.schemas.map(\.name)).count == stageCatalog.count)
    }

    @Test(arguments: schemas.filter { $0.settings.contains { $0.name == "steps" } })
    func `what trains can be seeded`(_ schema: StageSchema) {
        #expect(schema.settings.contains { $0.name == "seed" && $0.isHashed })
    }
}
