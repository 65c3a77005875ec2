import Foundation
import Search
import TestSupport
import Testing

/// Curation and search in words, through the built program, with a CLIP that it trains.
@Suite struct TextCurationTests {
    private static let pipeline = Retort.root.appending(path: "Pipelines/curate-by-text.yaml").path

    private struct Text: Decodable {
        var id: String
        var text: String
        var label: Int?
    }

    private struct Hit: Decodable {
        var rank: Int
        var similarity: Float
        var id: String
    }

    /// The rows and vectors of two artifacts, and the similarity of each pair.
    private struct Instance {
        let texts: [Text]
        let ids: [String]
        /// By text and image.
        let similarity: [[Float]]

        init(_ retort: Retort) throws {
            func folder(_ stage: String) throws -> URL {
                URL(
                    filePath: try retort.run("path", stage).output.trimmingCharacters(
                        in: .whitespacesAndNewlines))
            }
            let words = try folder("words")
            texts = try lines(Text.self, Data(contentsOf: words.appending(path: "texts.jsonl")))
            let embeddings = try EmbeddingShards(folder("embed"))
            ids = embeddings.ids
            // As curation compares: fp16 loses the unit length, and it is restored; sums are rounded to fp32 at their end.
            let images = unit(try embeddings.table())
            let vectors = unit(try NpyFile(words.appending(path: "texts.npy")).table())
            similarity = vectors.map { text in images.map { Float(product(text, $0)) } }
        }

        /// The rule to the letter: in each round the best pair of a waiting text and a free image, over and over.
        func queryBalanced(_ perQuery: Int) -> [[Int]] {
            var chosen = texts.map { _ in [Int]() }
            var taken: Set<Int> = []
            for round in 1...perQuery {
                let free = ids.indices.filter { !taken.contains($0) }
                let pairs = texts.indices.flatMap { text in free.map { (text: text, image: $0) } }.sorted {
                    let (a, b) = (similarity[$0.text][$0.image], similarity[$1.text][$1.image])
                    return (b, ids[$0.image], texts[$0.text].id) < (a, ids[$1.image], texts[$1.text].id)
                }
                for pair in pairs where chosen[pair.text].count < round && !taken.contains(pair.image) {
                    chosen[pair.text].append(pair.image)
                    taken.insert(pair.image)
                }
            }
            return chosen
        }
    }

    @Test func `names of classes and texts find what exact arithmetic finds`() throws {
        let retort = try Retort()
        let run = try retort.run("run", Self.pipeline, "--profile", "smoke")
        #expect(run.code == 0, "\(run.errors)")
        let instance = try Instance(retort)
        #expect(instance.texts.count == 126 && instance.texts.count { $0.label != nil } == 124)
        #expect(instance.texts.last?.text == "dotted ground seen from above")
        #expect(Set(instance.texts.map(\.id)).count == 126)

        // The choice, against the rule carried out by hand.
        let rows = try lines(TransferSetRow.self, retort.artifact("curate", "transfer-set.jsonl"))
        #expect(rows.count == 252 && Set(rows.map(\.id)).count == 252)
        let expected = instance.queryBalanced(2)
        var same = 0
        for (text, images) in zip(instance.texts, expected) {
            let found = rows.filter { $0.query == text.id }
            #expect(found.count == 2)
            #expect(found.allSatisfy { $0.queryClass == (text.label == nil ? nil : text.text) })
            same += zip(found, images).count { $0.id == instance.ids[$1] }
        }
        #expect(same == 252, "\(same) of 252 images are the ones")
        let queries = try lines(QueryRow.self, retort.artifact("curate", "queries.jsonl"))
        #expect(queries.map(\.text) == instance.texts.map(\.text))
        #expect(queries.first?.source == "words/\(instance.texts[0].text)")

        // A query in words is the same text's row, and its order that of the similarities.
        let text = "a red cone in the snow"
        let number = try #require(instance.texts.firstIndex { $0.text == text })
        let query = try retort.run("query", "--index", "curate", "--text", text, "-k", "12", "--json")
        #expect(query.code == 0, "\(query.errors)")
        let hits = try JSONDecoder().decode([Hit].self, from: Data(query.output.utf8))
        let best = instance.similarity[number].sorted(by: >)
        #expect(hits.map(\.rank) == Array(1...12))
        for (hit, similarity) in zip(hits, best) { #expect(abs(hit.similarity - similarity) < 1e-5) }
        let table = try retort.run("query", "--index", "embed", "--text", text, "-k", "3")
        #expect(table.output.split(separator: "\n").count == 3 && table.output.contains("pool/all/"))

        // Why an image is there: its text, with the rank and the similarity that the transfer set says.
        let row = try #require(rows.first { $0.query == instance.texts[number].id })
        let why = try retort.run("why", String(row.id.prefix(12)), "--json")
        #expect(why.code == 0, "\(why.errors)")
        let answers = try JSONSerialization.jsonObject(with: Data(why.output.utf8)) as? [[String: Any]]
        let traces = (answers ?? []).compactMap { $0["trace"] as? [String: Any] }
        let trace = try #require(traces.first { $0["node"] as? String == "curate" })
        let places = try #require(trace["queries"] as? [[String: Any]])
        let place = try #require(places.first { $0["id"] as? String == row.query })
        #expect(place["source"] as? String == "words/\(text)" && place["rank"] as? Int == row.rank)

        // The same bytes once more.
        let bytes = try retort.artifact("curate", "transfer-set.jsonl")
        let again = try retort.run(
            "run", Self.pipeline, "--profile", "smoke", "--force", "words", "--force", "curate")
        #expect(again.code == 0, "\(again.errors)")
        #expect(try retort.artifact("curate", "transfer-set.jsonl") == bytes)

        for (words, code, message) in [
            (" ", 64, "the text is empty"),
            (String(repeating: "red cone ", count: 40), 64, "more tokens than the"),
        ] as [(String, Int32, String)] {
            let refused = try retort.run("query", "--index", "embed", "--text", words)
            #expect(refused.code == code && refused.errors.contains(message), "\(refused.errors)")
        }
        #expect(try retort.run("query", "--index", "embed", "--text", "a", "--id", "abcdef").code == 64)
    }

    /// A small pipeline with two CLIPs and another network, and a curation of the test's own.
    private func pipeline(_ retort: Retort, _ name: String, curate: String) throws -> String {
        try retort.folder.write(
            """
            retort: 1
            name: refused
            data:
              corpus: {kind: world, domain: generic, seed: 1, splits: {train: 48}}
              pool: {kind: world, seed: 3, splits: {all: 40}}
              target: {kind: world, seed: 2, splits: {train: 10, test: 10}}
            stages:
              clip: &clip {uses: train-clip, images: corpus.train, architecture: clip_vit_mini, steps: 1, batch_size: 16}
              other: {<<: *clip, seed: 1}
              vfm: {uses: pretrain, images: corpus.train, architecture: mobilenetv2_mini, steps: 1, batch_size: 8}
              embed: {uses: embed, model: clip, images: [pool, target]}
              embed-vfm: {uses: embed, model: vfm, images: [pool, target]}
              index: {uses: index, embeddings: embed}
              index-vfm: {uses: index, embeddings: embed-vfm}
              words: {uses: embed-texts, model: clip, classes: target, file: texts.txt}
              other-words: {uses: embed-texts, model: other, prompts: a cone}
              curate: {uses: curate, size: 4, \(curate)}

            """, to: name
        ).path
    }

    @Test func `texts that cannot be compared are refused, with what to do`() throws {
        let retort = try Retort()
        try retort.folder.write("a cone\n\na box in the snow\na cone\n", to: "texts.txt")
        let mixed = try retort.run(
            "run",
            pipeline(retort, "a.yaml", curate: "index: index, queries: words, negatives: [target.train]"),
            "--until", "curate")
        #expect(mixed.code == 65, "\(mixed.errors)")
        #expect(
            mixed.errors.contains(
                "the queries are texts, and negatives holds images: their similarities are on different scales"
            ))
        #expect(mixed.errors.contains("1 texts are repetitions"))
        let other = try retort.run(
            "run", pipeline(retort, "b.yaml", curate: "index: index, queries: other-words"), "--until",
            "curate")
        #expect(other.code == 65, "\(other.errors)")
        #expect(other.errors.contains("'other-words' (queries) was embedded by another model than 'embed'"))
        let blind = try retort.run(
            "run", pipeline(retort, "c.yaml", curate: "index: index-vfm, queries: words"), "--until", "curate"
        )
        #expect(blind.code == 64, "\(blind.errors)")
        let reason =
            "'embed-vfm' was embedded by mobilenetv2_mini, which has no text tower: no text can be compared with it"
        #expect(blind.errors.contains(reason))
        let query = try retort.run("query", "--index", "index-vfm", "--text", "a cone")
        #expect(query.code == 64 && query.errors.contains(reason), "\(query.errors)")
        #expect(query.errors.contains("hint: embed the images with a CLIP"))

        // Other strategies, and images that must not come back, go with texts as with images.
        let balanced = try retort.run(
            "run",
            pipeline(
                retort, "d.yaml",
                curate:
                    "index: index, queries: words, exclude: [target.test], leakage: null, strategy: class-balanced"
            ),
            "--until", "curate")
        #expect(balanced.code == 0, "\(balanced.errors)")
        let rows = try lines(TransferSetRow.self, retort.artifact("curate", "transfer-set.jsonl"))
        #expect(rows.count == 4 && rows.allSatisfy { $0.dataset == "pool" })
        let nothing = try retort.folder.write(
            """
            retort: 1
            name: nothing
            data:
              corpus: {kind: world, domain: generic, seed: 1, splits: {train: 48}}
            stages:
              clip: {uses: train-clip, images: corpus.train, architecture: clip_vit_mini, steps: 1, batch_size: 16}
              words: {uses: embed-texts, model: clip}
            """, to: "nothing.yaml")
        let refused = try retort.run("plan", nothing.path)
        #expect(
            refused.code == 78 && refused.errors.contains("there is nothing to embed"), "\(refused.errors)")
    }
}

/// The rows of a table, each of length one.
private func unit(_ table: VectorTable) -> [[Float]] {
    (0..<table.count).map { row in
        let length = product(Array(table[row]), Array(table[row])).squareRoot()
        return table[row].map { Float(Double($0) / length) }
    }
}

private func product(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// The rows of a file of JSON lines.
private func lines<Row: Decodable>(_ type: Row.Type, _ data: Data) throws -> [Row] {
    try data.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(type, from: $0) }
}
