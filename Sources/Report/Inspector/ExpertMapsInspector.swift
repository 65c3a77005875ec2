import Diagnostics
internal import Engine
public import Foundation
public import Stages

/// Shows what experts said of the pixels of images: as text for a terminal, for programs, or as one page that opens
/// without a network.
public struct ExpertMapsInspector {
    /// One expert's maps.
    struct Maps {
        let set: DenseLabelSet
        /// The names of the classes, by number; empty for depths and normals.
        let classes: [String]
        /// The images without a map, with the reason.
        let failed: [(image: String, reason: String)]

        init(_ set: DenseLabelSet) throws {
            self.set = set
            classes = try set.classes()
            failed = try set.rows().compactMap { row in row.failure.map { (row.image, $0) } }
        }

        /// What is known of the expert and of its maps, in the order in which it is shown.
        var facts: [(name: String, value: String)] {
            let summary = set.summary
            var facts = [
                ("expert", summary.expert), ("made from", summary.lineage.joined(separator: "; ")),
                ("expert's digest", summary.digest),
                (
                    "licences",
                    summary.licences.isEmpty ? "none declared" : summary.licences.joined(separator: "; ")
                ), ("task", summary.taskName), ("images", Format.count(summary.images)),
                ("without a map", Format.count(summary.failures)),
                ("usable pixels", Format.percent(summary.yield.pixels)),
                ("bytes an image", Format.fixed(summary.bytesPerImage, 0)),
            ]
            if summary.confidence > 0 {
                facts.append(("least confidence", Format.short(summary.confidence)))
            }
            if summary.noise > 0 { facts.append(("misplaced", Format.percent(summary.noise))) }
            return facts.map { (name: $0.0, value: $0.1) }
        }

        /// The classes that occur with their shares of the usable pixels.
        var shares: [(number: Int, name: String, share: Double)] {
            let known = set.summary.yield.classes ?? [:]
            return classes.enumerated().compactMap { number, name in
                known[name].map { (number, name, $0) }
            }
        }
    }

    let maps: [Maps]
    let pictures: DenseLabelPictures

    /// Opens the maps of one expert, and those of others about the same images to compare it with.
    ///
    /// - Throws: a `Diagnostic` where no image has a map of every expert.
    public init(_ set: DenseLabelSet, against others: [DenseLabelSet] = []) throws {
        let sets = [set] + others
        pictures = try DenseLabelPictures(sets)
        maps = try sets.map(Maps.init)
        guard try !others.isEmpty && pictures.subjects(1).isEmpty else { return }
        throw Diagnostic(
            "there is no image of which \(sets.map { "'\($0.node)'" }.joined(separator: " and ")) all have a map",
            hint: "compare maps of the same images", exitCode: .usage)
    }

    /// How far the first expert and each of the others agree; nil where they answer different questions.
    func agreements() throws -> [(node: String, agreement: DenseAgreement?)] {
        try maps.indices.dropFirst().map { (maps[$0].set.node, try pictures.agreement(0, $0)) }
    }

    /// The maps in numbers, for `retort inspect --json`.
    public func facts() throws -> ExpertMapsFacts {
        let agreements = try agreements()
        return ExpertMapsFacts(
            maps[0],
            against: zip(maps.dropFirst(), agreements).map { maps, other in
                ExpertMapsFacts(maps, agreement: other.agreement)
            })
    }

    /// The maps in words and numbers, for `retort inspect --text`.
    public func text() throws -> String {
        try ExpertMapsText(maps: maps, agreements: agreements()).rendered
    }

    /// Writes `index.html`, with every picture inside it, into a folder and returns its location.
    @discardableResult
    public func writeStatic(
        to directory: URL, thumbnails: any ThumbnailProvider, images: Int = 24
    ) throws -> URL {
        let side = 192
        let sink = InlineThumbnails(thumbnails, side: side, budget: 100_000_000)
        let shown = ExpertMaps(pictures, sink, images: images, side: side).card
        let page = ExpertMapsPage(maps: maps, shown: shown, pictures: pictures).page.rendered
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let file = directory.appending(path: "index.html")
        try Data(page.utf8).write(to: file, options: .atomic)
        return file
    }
}

/// An expert's maps in numbers, for programs: `labels.json`, where it lies, the images without a map, and what other
/// experts say beside it.
public struct ExpertMapsFacts: Encodable {
    private struct Failure: Encodable {
        let image, reason: String
    }

    private struct Agreement: Encodable {
        let value: Double?
        let images: Int
        let text: String
    }

    private enum CodingKeys: String, CodingKey {
        case node, artifact, classes, failed, agreement, against
    }

    private let maps: ExpertMapsInspector.Maps
    private let agreement: DenseAgreement?
    private let against: [ExpertMapsFacts]

    init(
        _ maps: ExpertMapsInspector.Maps, agreement: DenseAgreement? = nil, against: [ExpertMapsFacts] = []
    ) {
        self.maps = maps
        self.agreement = agreement
        self.against = against
    }

    /// Writes what `labels.json` holds, and the rest beside it; of the images without a map at most a thousand.
    public func encode(to encoder: any Encoder) throws {
        try maps.set.summary.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(maps.set.node, forKey: .node)
        try container.encode(maps.set.location.directory.path, forKey: .artifact)
        try container.encode(maps.classes, forKey: .classes)
        try container.encode(
            maps.failed.prefix(1000).map { Failure(image: $0.image, reason: $0.reason) }, forKey: .failed)
        if let agreement {
            try container.encode(
                Agreement(value: agreement.value, images: agreement.images, text: "\(agreement)"),
                forKey: .agreement)
        }
        if !against.isEmpty { try container.encode(against, forKey: .against) }
    }
}
