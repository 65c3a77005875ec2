import Foundation

/// A transfer set as text of at most about 100 columns.
struct InspectorText {
    let set: TransferSetFiles

    var rendered: String {
        let parts = [title, funnel, sizes, perClass, perQuery, similarity, leakage, extremes]
        return parts.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
            + "\n"
    }

    private var title: [String] {
        let words = [
            Format.plural(set.rows.count, "image"), Format.plural(set.queryCount, "query", "queries"),
            Format.plural(set.retrievedClasses.count, "class", "classes"),
        ]
        return [
            "Transfer set \(set.name.printable): \(words.joined(separator: ", "))",
            "  \(set.folder.url.path.printable)",
        ]
    }

    private var funnel: [String] {
        guard let first = set.funnel.first else { return [] }
        return ["Funnel"]
            + set.funnel.map { step in
                let dropped = step.dropped ?? 0
                let bar = String(
                    repeating: "█", count: first.kept > 0 ? max(1, 24 * step.kept / first.kept) : 0)
                return "  " + step.step.printable.padded(12) + Format.count(step.kept).aligned(9)
                    + (dropped > 0 ? "−\(Format.count(dropped))" : "").aligned(10) + "  "
                    + (step.note == nil ? bar : bar.padded(26)) + (step.note ?? "").printable
            }
    }

    private var sizes: [String] {
        let sizes = set.rows.compactMap { row in
            row.width.flatMap { width in row.height.map { "\(width)×\($0)" } }
        }
        guard !sizes.isEmpty else { return [] }
        let counts = Dictionary(sizes.map { ($0, 1) }, uniquingKeysWith: +)
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let other = counts.dropFirst(6).reduce(0) { $0 + $1.value }
        let shown = counts.prefix(6).map { ($0.key, $0.value) } + (other > 0 ? [("other", other)] : [])
        return ["Sizes"]
            + shown.map {
                "  " + $0.0.padded(12) + Format.count($0.1).aligned(9) + share($0.1, sizes.count).aligned(10)
            }
    }

    private var perClass: [String] {
        let classes = set.retrievedClasses
        guard !classes.isEmpty else { return [] }
        let groups = Dictionary(grouping: set.rows) { $0.queryClass ?? "" }
        let width = min(32, max(14, (classes.map(\.count).max() ?? 0) + 2))
        return [
            "Classes",
            "  " + "class".padded(width) + "images".aligned(9) + "queries".aligned(9)
                + "similarity".aligned(12),
        ]
            + classes.map { name in
                let rows = groups[name] ?? []
                let similarities = rows.compactMap(\.similarity)
                let mean = similarities.reduce(0, +) / Double(max(similarities.count, 1))
                return "  " + name.printable.padded(width) + Format.count(rows.count).aligned(9)
                    + Format.count(Set(rows.compactMap(\.query)).count).aligned(9)
                    + (similarities.isEmpty ? "–" : Format.fixed(mean, 3)).aligned(12)
            }
    }

    private var perQuery: [String] {
        guard let balance = set.balance.perQuery else { return [] }
        return [
            "Images per query",
            "  min \(Format.short(balance.min))   max \(Format.short(balance.max))   mean \(Format.fixed(balance.mean, 2))"
                + "   Gini \(Format.fixed(balance.gini, 3))   effective queries \(Format.fixed(balance.effective, 1))",
        ]
    }

    private var similarity: [String] {
        let values = set.rows.compactMap(\.similarity).sorted()
        guard let first = values.first, let last = values.last else { return [] }
        let quantile = { (share: Double) in Format.fixed(values[Int(share * Double(values.count - 1))], 3) }
        var lines = [
            "Similarity to the query",
            "  min \(Format.fixed(first, 3))   5 % \(quantile(0.05))   25 % \(quantile(0.25))   50 % \(quantile(0.5))"
                + "   75 % \(quantile(0.75))   95 % \(quantile(0.95))   max \(Format.fixed(last, 3))",
        ]
        if let counts = set.similarity, let low = counts.edges.first, let high = counts.edges.last {
            let series = [
                ("selected", counts.selected), ("candidates", counts.candidates),
                ("random pool", counts.randomPool),
                ("test", counts.test),
            ]
            lines += series.compactMap { name, counts in
                counts.map { "  " + name.padded(14) + sparkline($0) }
            }
            lines.append("  " + "".padded(14) + "\(Format.short(low)) … \(Format.short(high))")
        }
        return lines
    }

    private var leakage: [String] {
        guard let leakage = set.leakage, set.isChecked else {
            return ["Leakage", "  not checked: `exclude:` was not set"]
        }
        let threshold = leakage.threshold.map { " (similarity ≥ \(Format.short($0)))" } ?? ""
        return [
            "Leakage",
            "  found in the pool: \(leakage.foundInWords)\(threshold); "
                + "in the transfer set: \(set.leakCount)",
        ] + waiting(leakage)
            + set.leaks.prefix(5).map {
                "  LEAK \($0.source.printable) = \($0.other.printable) (\($0.split ?? "evaluated"))"
            }
    }

    private func waiting(_ leakage: Leakage) -> [String] {
        guard let queued = leakage.queued, !queued.isEmpty else { return [] }
        return ["  \(queued.count) kept out until a mark decides: accept or leak"]
            + queued.prefix(5).map {
                "  ? \($0.source.printable) ~ \($0.other.printable) (\($0.split ?? "evaluated"))"
            }
    }

    private var extremes: [String] {
        let rows = set.rows.filter { $0.similarity != nil }.sorted { left, right in
            ((right.similarity ?? 0), left.id) < ((left.similarity ?? 0), right.id)
        }
        guard !rows.isEmpty else { return [] }
        let describe = { (row: TransferRow) in
            "  \(Format.fixed(row.similarity ?? 0, 3))  \(row.source.printable.padded(44)) \((row.queryClass ?? "").printable.padded(16))"
                + " rank \(row.rank.map(String.init) ?? "–")"
        }
        return ["Most similar"] + rows.prefix(5).map(describe) + ["", "Least similar"]
            + rows.suffix(5).reversed().map(describe)
    }

    private func share(_ part: Int, _ whole: Int) -> String {
        Format.fixed(100 * Double(part) / Double(max(whole, 1)), 1) + " %"
    }

    /// At most 48 columns of eighth blocks.
    private func sparkline(_ counts: [Double]) -> String {
        let columns = min(48, counts.count)
        let sums = (0..<columns).map { column in
            counts[(column * counts.count / columns)..<((column + 1) * counts.count / columns)].reduce(0, +)
        }
        let peak = max(sums.max() ?? 0, 1e-9)
        let blocks = Array(" ▁▂▃▄▅▆▇█")
        return String(sums.map { blocks[$0 > 0 ? max(1, Int(($0 / peak * 8).rounded())) : 0] })
    }
}

extension String {
    func padded(_ width: Int) -> String {
        count >= width ? self + " " : self + String(repeating: " ", count: width - count)
    }

    func aligned(_ width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// The text without control characters: a file name must not steer the terminal.
    var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    }
}
