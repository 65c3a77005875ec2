internal import Diagnostics
internal import Engine
internal import Foundation
internal import Search
internal import Training
internal import Vision

/// Retrieves a transfer set from a pool: the images most useful for a task of which a few examples are at hand.
///
/// The strategies begin with those of Vemulapalli et al. 2023: query-balanced retrieval takes equally many images for
/// every query. Queries are images, or texts where one CLIP embedded both. Candidates are always compared exactly, by streamed matrix products. Nothing that repeats an image of
/// `exclude` is chosen; `leakage.json` certifies it.
struct Curate: Stage {
    static let name: StageName = "curate"
    static let revision = 2
    static let summary =
        "Retrieves a transfer set from a pool, by similarity to the images or the words of the task."

    /// The rule that chooses.
    enum Strategy: String, CaseIterable, SettingValue {
        case queryBalanced = "query-balanced"
        case classBalanced = "class-balanced"
        case clusterBalanced = "cluster-balanced"
        case bestMatch = "best-match"
        case random
    }

    @Input("The index over pool and task images.") var index: SearchIndex
    @Input("The images for which similar ones are sought, or the texts of embed-texts.", role: .queries)
    var queries: QuerySet
    @Input(
        "Further images, or texts, for which similar images are sought; their labels are not read.",
        role: .queries, isOptional: true)
    var positives: [QuerySet]
    @Input(
        "Images, or texts, of what is not wanted: candidates nearer to one of them than to every query are ruled out.",
        role: .queries, isOptional: true)
    var negatives: [QuerySet]
    @Input("Images that must not come back, nor copies of them.", role: .exclusion, isOptional: true)
    var exclude: [ImageSet]
    @Setting("The rule that chooses.") var strategy: Strategy = .queryBalanced
    @Setting("The number of images in all.", in: 1...) var size: Int?
    @Setting("The number of images for each query, in place of size.", in: 1...) var perQuery: Int?
    @Setting("Cosine from which two chosen images count as one; null keeps both.", in: 0...1) var dedup:
        Double?
    @Setting(
        "Whether chosen images that show the same picture (recompressed, resized, mirrored, cropped) count as one."
    )
    var dedupPictures = false
    @Setting("Which of several images that count as one is kept.") var keep: KeepPolicy = .mostSimilar
    @Setting(
        "Cosine from which an embedding counts as one of an excluded image, until a mark decides; auto is as much as tells the excluded images apart, null compares contents and pictures alone."
    )
    var leakage: LeakageSetting = .calibrated
    @Setting(
        "Whether pictures are compared with those of exclude, too: the work grows with the product of their numbers."
    )
    var leakagePictures = true
    @Setting(
        "A file of marks, as the inspector writes it: what is marked as reject, duplicate or leak is never chosen, what is marked as accept comes first.",
        hashed: false)
    var marks: String?
    @Setting("By how much nearer to a negative a candidate must be to be ruled out.", in: 0...2)
    var negativeMargin = 0.0
    @Setting(
        "The clusters of cluster-balanced; null takes the square root of the number of images.", in: 1...)
    var clusters: Int?
    @Setting("Images less similar to every query are not candidates.", in: -1...1) var minSimilarity: Double?
    @Setting("Decides the choice of random, the clusters, and the samples in the report.", in: 0...)
    var seed = 0

    func validate() throws { try requireOne(size != nil, perQuery != nil, "size", "per_query") }

    /// Marks are part of the key as far as they change the choice: not their authors, times and order.
    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        guard let marks else { return [:] }
        let effective = try Marks(file: environment.resolve(marks)).effective
        guard !effective.isEmpty else { return [:] }
        return ["marks": SHA256.digest(of: effective.map { "\($0.id) \($0.mark.rawValue)\n" }.joined())]
    }

    func run(in context: StageContext) throws -> TransferSet {
        _ = try context.prepareDevice()
        let embeddings = try index.embeddings()
        let shards = try embeddings.shards()
        let rows = try embeddings.rows(of: shards)
        try checkKinds(in: context)
        func searched(_ sets: [QuerySet], _ purpose: String) throws -> [SearchedSet] {
            try sets.map {
                try SearchedSet($0, in: embeddings, rows: rows, shards: shards, purpose: purpose)
            }
        }
        let task = try SearchedSet.joined(
            searched([queries], "queries") + searched(positives, "positives"), dimension: shards.dimension)
        let unwanted = try SearchedSet.joined(
            searched(negatives, "negatives"), dimension: shards.dimension)
        let excluded = try exclude.map {
            try EmbeddedSplit($0, rows: rows, shards: shards, purpose: "exclude")
        }
        // Images of the data sets that supply the queries are never candidates.
        let imageSets = ([queries] + positives + negatives).compactMap(\.images)
        let excludedDatasets = Set((imageSets + exclude).map(\.location.node))
        let gallery = rows.indices.filter { !excludedDatasets.contains(rows[$0].dataset) }
        guard !gallery.isEmpty else {
            throw Diagnostic(
                "there is no pool: every embedded image belongs to the data sets of the queries or of exclude",
                at: context.sourceLocation(of: "index"), hint: "embed a pool, too: images: [pool, target]",
                exitCode: .badData)
        }
        var request = CurationRequest(
            gallery: VectorSubset(shards, rows: gallery),
            images: gallery.map { rows[$0] }.map {
                PoolImage(
                    id: $0.id, dataset: $0.dataset, member: $0.member, width: $0.width, height: $0.height)
            },
            queryVectors: task.vectors, queries: task.queries,
            size: perQuery.map { .perQuery($0) } ?? .total(size ?? 0), strategy: rule)
        request.hasCrops = embeddings.description.hasCrops == true
        request.classes = queries.classes
        request.duplicateThreshold = dedup.map(Float.init)
        request.comparesEvaluatedPictures = leakagePictures
        request.comparesChosenPictures = dedupPictures
        request.keep = keep
        request.leakage = leakage.threshold
        request.minimumSimilarity = minSimilarity.map(Float.init)
        request.seed = UInt64(seed)
        request.evaluation = excluded.map { split in
            EvaluationSet(
                split: split.name, ids: split.rows.map(\.id), sources: split.rows.map(\.source),
                vectors: split.vectors)
        }
        if !negatives.isEmpty {
            request.negatives = NegativeSet(
                sources: unwanted.queries.map(\.source), vectors: unwanted.vectors,
                margin: Float(negativeMargin))
        }
        request.marks = try decisions(in: context)
        let evidence = try StoredEvidence(
            pool: { [wholes = request.hasCrops ? EmbeddingSet.wholes(rows) : nil] place in
                rows[wholes?[gallery[place]] ?? gallery[place]].record
            }, evaluated: excluded.flatMap(\.rows).map(\.record),
            datasets: Datasets(of: [embeddings.location]), store: context.store)
        request.evidence = evidence
        // A phase may hold several searches, whose shares begin anew: what is told never goes back.
        var (phase, told) = (0, 0)
        func advance(_ share: Double) throws {
            told = max(told, min(100 * min(phase, 6) + Int(100 * share), 699))
            try context.advance(to: told, of: 700)
        }
        request.searchCheckpoint = SearchCheckpoint(
            in: context.state, digest: { SHA256.digest(of: $0) }, advance: advance)
        let result = try Curator.curate(request) { doing in
            context.log(doing)
            phase += 1
            try advance(0)
        }
        try result.write(to: context.output)
        let effective = request.marks.effective.map { MarkEntry(id: $0.id, mark: $0.mark) }
        if !effective.isEmpty {
            try JSONFiles.writeLines(effective, to: context.output.appending(path: TransferSet.marksFile))
        }
        try Datasets(of: [embeddings.location] + [queries.images].compactMap { $0?.location }).write(
            to: context.output)
        for note in result.notes { context.log(note) }
        if evidence.decoded > 0 {
            context.log(
                "\(evidence.decoded) images were scanned by an earlier version and have been decoded again")
        }
        for (name, count) in result.counts.sorted(by: { $0.key < $1.key }) { context.count(name, count) }
        note(result.leakage, in: context)
        try context.advance(to: 700, of: 700)
        return try TransferSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    /// Texts and images lie apart in the space they share: nearly any image is nearer to an image than to a text.
    private func checkKinds(in context: StageContext) throws {
        for (name, sets) in [("positives", positives), ("negatives", negatives)] {
            guard sets.contains(where: { ($0.texts == nil) != (queries.texts == nil) }) else { continue }
            let (one, other) = queries.texts == nil ? ("images", "texts") : ("texts", "images")
            throw Diagnostic(
                "the queries are \(one), and \(name) holds \(other): their similarities are on different scales",
                at: context.sourceLocation(of: name), hint: "search with \(one) alone", exitCode: .badData)
        }
    }

    private func decisions(in context: StageContext) throws -> Marks {
        guard let marks else { return Marks() }
        let file = context.resolve(marks)
        guard FileManager.default.fileExists(atPath: file.path) else {
            context.log("there are no marks yet: '\(marks)' is not there")
            return Marks()
        }
        let found = try Marks(file: file)
        for warning in found.warnings { context.warn(warning) }
        context.count("marks", found.effective.count)
        return found
    }

    private func note(_ leakage: LeakageReport, in context: StageContext) {
        if let threshold = leakage.threshold { context.fact("leakage_threshold", threshold) }
        if leakage.calibration?.isSaturated == true {
            context.warn(
                "the encoder hardly tells the excluded images apart, so that many pool images look like one of them",
                hint: "embed with a better model, or set leakage: null to compare contents and pictures alone"
            )
        }
        guard !leakage.queued.isEmpty else { return }
        let marks = marks ?? "marks/\(context.node).jsonl"
        context.warn(
            "\(leakage.queued.count) images may be of the excluded splits and are kept out until a mark decides",
            hint:
                "`retort inspect \(context.node)` shows them; with `marks: \(marks)` a mark 'accept' lets one in, 'leak' settles it"
        )
    }

    private var rule: any CurationStrategy {
        switch strategy {
        case .queryBalanced: QueryBalanced()
        case .classBalanced: ClassBalanced()
        case .clusterBalanced: ClusterBalanced(clusters: clusters, seed: UInt64(seed))
        case .bestMatch: BestMatch()
        case .random: RandomSelection(seed: UInt64(seed))
        }
    }
}

/// `leakage:` of a pipeline file: `auto`, a cosine, or `null`.
struct LeakageSetting: SettingValue {
    static let typeName = "cosine, auto or null"
    static let calibrated = LeakageSetting(threshold: .calibrated)

    let threshold: LeakageThreshold

    private init(threshold: LeakageThreshold) { self.threshold = threshold }

    init(_ value: PipelineValue) throws(Diagnostic) {
        if value.isNull {
            threshold = .off
        } else if value.scalar == "auto" {
            threshold = .calibrated
        } else if let cosine = try? Double(value), (0...1).contains(cosine) {
            threshold = .cosine(Float(cosine))
        } else {
            throw Diagnostic("\(value.phrase) is not auto, null or a cosine in 0...1", at: value.location)
        }
    }

    var canonical: String {
        switch threshold {
        case .calibrated: "auto"
        case .cosine(let cosine): "\(cosine)"
        case .off: "null"
        }
    }
}
