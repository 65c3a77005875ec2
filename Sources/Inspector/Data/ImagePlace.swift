/// Where an image is found: its content id, and its data set and name within it.
struct ImagePlace: Hashable, Sendable {
    let id: String
    let source: String
    let dataset: String
    let member: String

    /// A place whose `source` is `<dataset>/<member>` where the two are not given apart.
    init(id: String, source: String, dataset: String? = nil, member: String? = nil) {
        let parts = source.split(separator: "/", maxSplits: 1).map(String.init)
        self.id = id
        self.source = source
        self.dataset = dataset ?? parts.first ?? ""
        self.member = member ?? (parts.count > 1 ? parts[1] : source)
    }
}
