/// One image of the pool; decodes from a line of the embeddings' metadata.
public struct PoolImage: Codable, Hashable, Sendable {
    /// The content id.
    public var id: String
    /// The data set's node.
    public var dataset: String
    /// The image's name within it.
    public var member: String
    /// The width in pixels.
    public var width: Int
    /// The height in pixels.
    public var height: Int

    /// Creates an image.
    public init(id: String, dataset: String, member: String, width: Int, height: Int) {
        self.id = id
        self.dataset = dataset
        self.member = member
        self.width = width
        self.height = height
    }

    /// `dataset/member`: where the image comes from.
    public var source: String { "\(dataset)/\(member)" }
}

/// One image for which similar ones are sought, or one text for which fitting ones are.
public struct QueryImage: Codable, Hashable, Sendable {
    /// The content id.
    public var id: String
    /// `dataset/member`.
    public var source: String
    /// The class, as a number.
    public var label: Int?
    /// The class, by name.
    public var className: String?
    /// The text, where the query is one and no image.
    public var text: String?

    /// Creates a query.
    public init(
        id: String, source: String, label: Int? = nil, className: String? = nil, text: String? = nil
    ) {
        self.id = id
        self.source = source
        self.label = label
        self.className = className
        self.text = text
    }
}

/// Images that must not come back in the transfer set: a validation or test split.
public struct EvaluationSet: Sendable {
    /// The split as the pipeline names it: `target.test`.
    public var split: String
    /// The content id of each image.
    public var ids: [String]
    /// `dataset/member` of each image.
    public var sources: [String]
    /// The embedding of each image.
    public var vectors: VectorTable

    /// Creates a set.
    public init(split: String, ids: [String], sources: [String], vectors: VectorTable) {
        self.split = split
        self.ids = ids
        self.sources = sources
        self.vectors = vectors
    }
}

/// Images of what is not wanted: a candidate that is nearer to one of them than to every query is ruled out.
public struct NegativeSet: Sendable {
    /// `dataset/member` of each image.
    public var sources: [String]
    /// The embedding of each image.
    public var vectors: VectorTable
    /// By how much nearer a candidate must be to be ruled out.
    public var margin: Float

    /// Creates a set.
    public init(sources: [String], vectors: VectorTable, margin: Float = 0) {
        self.sources = sources
        self.vectors = vectors
        self.margin = margin
    }
}

/// How many images are wanted.
public enum CurationSize: Hashable, Sendable {
    /// So many in all.
    case total(Int)
    /// So many for each query.
    case perQuery(Int)

    /// The number of images for a number of queries.
    public func count(queries: Int) -> Int {
        switch self {
        case .total(let count): count
        case .perQuery(let count): count * queries
        }
    }
}

/// Everything a curation depends on.
public struct CurationRequest {
    /// The embeddings of the pool.
    public var gallery: any VectorSource
    /// The images of the pool, in the order of the rows.
    public var images: PoolImages
    /// The embeddings of the queries.
    public var queryVectors: VectorTable
    /// The queries, in the order of the rows.
    public var queries: [QueryImage]
    /// Images that must not come back.
    public var evaluation: [EvaluationSet] = []
    /// Whether some of the pool's rows are parts of images (``CropID``).
    public var hasCrops = false
    /// What a person decided about images.
    public var marks = Marks()
    /// Images of what is not wanted.
    public var negatives: NegativeSet?
    /// What pictures are compared by; nil compares contents and embeddings alone.
    public var evidence: (any PerceptualEvidence)?
    /// Keeps what long searches have found, so that a curation that was stopped goes on; nil keeps nothing.
    public var searchCheckpoint: SearchCheckpoint?
    /// How many images are wanted.
    public var size: CurationSize
    /// How they are chosen.
    public var strategy: any CurationStrategy
    /// All class names, in order.
    public var classes: [String] = []
    /// The cosine from which an image counts as perhaps one of a validation or test split.
    public var leakage: LeakageThreshold = .calibrated
    /// Whether pictures are compared with those of validation and test splits; needs `evidence`.
    public var comparesEvaluatedPictures = true
    /// The cosine from which two chosen images count as one; nil keeps both.
    public var duplicateThreshold: Float?
    /// Whether chosen images that show the same picture count as one, too; needs `evidence`.
    public var comparesChosenPictures = false
    /// Which of several images that count as one is kept.
    public var keep: KeepPolicy = .mostSimilar
    /// Images less similar to every query are not candidates.
    public var minimumSimilarity: Float?
    /// The number of neighbours listed for each query beyond the cut.
    public var missed = 20
    /// The number of pool images whose similarities are shown for comparison.
    public var randomPoolSample = 1000
    /// The seed of that sample.
    public var seed: UInt64 = 0

    /// Creates a request.
    public init(
        gallery: any VectorSource, images: some Collection<PoolImage>, queryVectors: VectorTable,
        queries: [QueryImage],
        size: CurationSize, strategy: any CurationStrategy
    ) {
        self.gallery = gallery
        self.images = PoolImages(images)
        self.queryVectors = queryVectors
        self.queries = queries
        self.size = size
        self.strategy = strategy
    }
}
