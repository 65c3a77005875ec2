/// One query and its neighbours in order of rank, with the line where the cut fell.
struct NeighbourView {
    let query: QueryNeighbours
    let sink: any ThumbnailSink
    /// How many of the images that missed are shown.
    let missedLimit: Int

    var markup: Markup {
        let sorted = query.neighbours.sorted { ($0.rank, $0.id) < ($1.rank, $1.id) }
        let last = sorted.lastIndex { $0.selected } ?? -1
        let taken = sorted.prefix(last + 1)
        let missed = sorted.dropFirst(last + 1).prefix(missedLimit)
        return HTML.div(.class("cut"), .data("class", query.className ?? "")) {
            HTML.div(.class("who")) {
                if query.text == nil {
                    Block.thumbnail(
                        ImageReference(id: query.id, source: query.source), in: sink, hover: query.source,
                        kind: "query")
                }
                HTML.strong { query.className ?? "" }
                HTML.div {
                    query.text.map { "“\($0)”" } ?? String(query.source.split(separator: "/").last ?? "")
                }
            }
            HTML.div(.class("row")) {
                for neighbour in taken { thumbnail(neighbour) }
                HTML.div(.class("line"), .title("the cut: nothing to the right was chosen for this query"))
                for neighbour in missed { thumbnail(neighbour) }
            }
        }
    }

    private func thumbnail(_ neighbour: QueryNeighbours.Neighbour) -> Markup {
        Block.thumbnail(
            ImageReference(id: neighbour.id, source: neighbour.source), in: sink,
            caption: Format.fixed(neighbour.similarity, 3),
            hover: "\(neighbour.source)\nrank \(neighbour.rank)" + (neighbour.selected ? "" : ", not chosen"),
            kind: neighbour.selected ? "" : "missed")
    }
}

extension [QueryNeighbours] {
    /// At most `count` queries, the same number from each class as far as they reach.
    func spreadOverClasses(_ count: Int) -> [QueryNeighbours] {
        guard self.count > count else { return self }
        var byClass = Dictionary(grouping: self) { $0.className ?? "" }.mapValues {
            Sampling.spread($0, count)[...]
        }
        var chosen: [QueryNeighbours] = []
        let names = byClass.keys.sorted()
        while chosen.count < count {
            for name in names where chosen.count < count {
                if let query = byClass[name]?.popFirst() { chosen.append(query) }
            }
        }
        return chosen.sorted { ($0.className ?? "", $0.source) < ($1.className ?? "", $1.source) }
    }
}
