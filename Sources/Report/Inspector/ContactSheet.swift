import Foundation

/// All images of a set as a grid that the page's script sorts, filters and fills as the reader scrolls.
struct ContactSheet {
    let set: TransferSetFiles
    let sink: any ThumbnailSink
    let limit: Int

    var markup: Markup {
        guard !set.rows.isEmpty else { return Block.note("The set is empty.") }
        let data = data
        return .group([
            HTML.div(.class("controls")) {
                chooser(
                    "sort", "sort",
                    [("low", "least similar first"), ("high", "most similar first"), ("random", "random")])
                HTML.label(.id("seedbox"), Attribute("hidden", "hidden")) {
                    "seed"
                    HTML.input(.id("seed"), .type("number"), .value("0"), .style("width:70px"))
                }
                chooser(
                    "class", "class",
                    [("", "all")] + data.classes.enumerated().map { ("\($0.offset)", $0.element) })
                HTML.label {
                    "query contains"
                    HTML.input(.id("query"), .type("search"))
                }
                HTML.span(.id("shown")) { "" }
            },
            data.rows.count < set.rows.count
                ? Block.note(
                    "\(Format.count(data.rows.count)) of \(Format.count(set.rows.count)) images, evenly chosen."
                )
                : .empty,
            HTML.div(.id("sheet"), .class("sheet")),
            HTML.div(.class("controls")) { HTML.button(.id("more")) { "more" } },
            HTML.dialog(.id("card")),
            HTML.script(.id("rows"), .type("application/json")) { Markup.json(data.json) },
        ])
    }

    private func chooser(_ id: String, _ name: String, _ options: [(value: String, text: String)]) -> Markup {
        HTML.label {
            name
            HTML.select(.id(id)) {
                for option in options { HTML.option(.value(option.value)) { option.text } }
            }
        }
    }

    private var data: SheetData {
        let classes = set.retrievedClasses
        let classIndex = Dictionary(
            classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var sources = Dictionary(
            set.queries.map { ($0.id, $0.source) }, uniquingKeysWith: { first, _ in first })
        for query in set.queries { sources[query.source] = query.source }
        var queries: [SheetData.Query] = []
        var queryIndex: [String: Int] = [:]
        let rows = Sampling.spread(set.rows, limit).map { row in
            let query = row.query.map { name -> Int in
                if let known = queryIndex[name] { return known }
                let source = sources[name] ?? name
                queries.append(
                    SheetData.Query(s: source, f: sink.location(of: ImageReference(id: name, source: source)))
                )
                queryIndex[name] = queries.count - 1
                return queries.count - 1
            }
            let size = row.width.flatMap { width in row.height.map { "\(width) × \($0)" } }
            return SheetData.Row(
                i: row.id, s: row.source, f: sink.location(of: row.image),
                c: row.queryClass.flatMap { classIndex[$0] },
                q: query, k: row.rank, v: row.similarity, r: row.reason, z: size)
        }
        return SheetData(classes: classes, queries: queries, rows: rows)
    }
}

/// The contact sheet's rows for the script; one letter per key, because there are many rows.
struct SheetData: Encodable {
    /// A query: source and thumbnail file.
    struct Query: Encodable {
        var s: String
        @Nullable var f: String?
    }

    /// An image: id, source, thumbnail file, class, query, rank, similarity, reason, size.
    struct Row: Encodable {
        var i: String
        var s: String
        @Nullable var f: String?
        @Nullable var c: Int?
        @Nullable var q: Int?
        @Nullable var k: Int?
        @Nullable var v: Double?
        @Nullable var r: String?
        @Nullable var z: String?
    }

    var classes: [String]
    var queries: [Query]
    var rows: [Row]

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, integers and finite numbers always encode.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// An optional that is written as `null` rather than left out, so that the script need not tell the two apart.
@propertyWrapper
struct Nullable<Value: Encodable>: Encodable {
    var wrappedValue: Value?

    init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}
