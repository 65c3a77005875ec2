import Foundation
import Search

/// Which images of a set are wanted, and in which order: what the query of a page or of the API says.
struct ImageFilter: Hashable, Sendable {
    /// The orders.
    enum Sort: String, Hashable, Sendable, CaseIterable {
        case file, low, high, rank, query, hubs, entropy, width, random

        var title: String {
            switch self {
            case .file: "as chosen"
            case .low: "least similar first"
            case .high: "most similar first"
            case .rank: "by rank"
            case .query: "by query"
            case .hubs: "near to most queries first"
            case .entropy: "teacher least sure first"
            case .width: "smallest first"
            case .random: "random"
            }
        }
    }

    /// A state of being marked.
    enum Marked: Hashable, Sendable {
        case any, no
        case with(Mark)

        init(_ text: String?) throws(RequestProblem) {
            switch text {
            case nil, "any": self = .any
            case "no": self = .no
            case .some(let word):
                guard let mark = Mark(rawValue: word), mark != .none else {
                    throw RequestProblem(.badRequest, "there is no mark '\(word)'")
                }
                self = .with(mark)
            }
        }

        var text: String {
            switch self {
            case .any: ""
            case .no: "no"
            case .with(let mark): mark.rawValue
            }
        }
    }

    var sort = Sort.file
    var seed = 0
    /// A query's id, or a part of its file name.
    var query: String?
    var className: String?
    var dataset: String?
    var lowest: Float?
    var highest: Float?
    var mark = Marked.any

    init() {}

    init(_ fields: Fields) throws(RequestProblem) {
        if let word = fields["sort"] {
            guard let sort = Sort(rawValue: word) else {
                throw RequestProblem(.badRequest, "there is no order '\(word)'")
            }
            self.sort = sort
        }
        seed = try fields.number("seed") ?? 0
        query = fields["query"]
        className = fields["class"]
        dataset = fields["dataset"]
        lowest = try fields.number("min")
        highest = try fields.number("max")
        mark = try Marked(fields["mark"])
    }

    /// The filter as a query, which makes the same filter again.
    var fields: Fields {
        var fields = Fields()
        if sort != .file { fields["sort"] = sort.rawValue }
        if seed != 0 { fields["seed"] = "\(seed)" }
        fields["query"] = query
        fields["class"] = className
        fields["dataset"] = dataset
        fields["min"] = lowest.map { "\($0)" }
        fields["max"] = highest.map { "\($0)" }
        fields["mark"] = mark.text
        return fields
    }

    /// Whether every image passes.
    var isOpen: Bool {
        var open = ImageFilter()
        open.sort = sort
        open.seed = seed
        return self == open
    }
}

extension Fields {
    /// A value as a number; nil when it is absent.
    func number<Number: LosslessStringConvertible>(_ name: String) throws(RequestProblem) -> Number? {
        guard let text = self[name] else { return nil }
        guard let number = Number(text.trimmingCharacters(in: .whitespaces)) else {
            throw RequestProblem(.badRequest, "'\(name)' is not a number")
        }
        return number
    }

    /// A page's number, from 0.
    func page() throws(RequestProblem) -> Int { min(max(try number("page") ?? 0, 0), 1 << 40) }
}
