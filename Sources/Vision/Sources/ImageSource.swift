public import Foundation

/// A place that images come from: a folder, tar shards, a manifest, or a renderer.
///
/// A source is read-only and may be asked by many threads at once.
public protocol ImageSource: Sendable {
    /// The class names; a label is an index into them. Empty where nothing is labelled.
    var classes: [String] { get }
    /// Every image, in an order that depends on the content only.
    func members() throws -> [SourceMember]
    /// The encoded bytes of an image, or nil where images are rendered and have none.
    func bytes(of member: String) throws -> Data?
    /// The bytes of an image's mask, a PNG of class numbers, or nil where images have none.
    func maskBytes(of member: String) throws -> Data?
    /// What is true of an image's pixels beside its mask: depths or normals, or nil where that is not known.
    func map(of member: String, _ task: DenseTask) throws -> DenseMap?
    /// The pixels of an image; `atLeast` permits a reduced decode (see `ImageCodec`).
    func image(_ member: String, atLeast shortSide: Int?) throws -> Image
    /// The pixels that a view shows, or more; each equals that of `image(_:atLeast:)`.
    func part(_ member: String, showing view: ViewParameters, atLeast shortSide: Int?) throws -> ImagePart
    /// The files whose bytes decide what this source yields, in a fixed order.
    func contentFiles() throws -> [URL]
}

extension ImageSource {
    /// None.
    public func maskBytes(of member: String) throws -> Data? { nil }

    /// None.
    public func map(of member: String, _ task: DenseTask) throws -> DenseMap? { nil }

    /// Decodes the member's bytes; sources that render replace this.
    public func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
        guard let data = try bytes(of: member) else {
            preconditionFailure("Retort bug: a source without bytes must render its images")
        }
        return try ImageCodec.decode(data, atLeast: shortSide)
    }

    /// Decodes part of the member's bytes, or renders it whole.
    public func part(_ member: String, showing view: ViewParameters, atLeast shortSide: Int?) throws
        -> ImagePart
    {
        guard let data = try bytes(of: member) else {
            return ImagePart(whole: try image(member, atLeast: shortSide))
        }
        return try ImageCodec.decode(data, showing: view, atLeast: shortSide)
    }
}

/// One image of a source, before anything was decoded.
public struct SourceMember: Codable, Hashable, Sendable {
    /// The split it belongs to; `all` where the source has no splits.
    public var split: String
    /// Its name within the source, by which the source finds it again.
    public var member: String
    /// The index of its class.
    public var label: Int?
    /// The numbers that a file may give as a label; more classes than this are a mistake in the file.
    static let labels = 0..<1_000_000

    /// What a person said it shows.
    public var captions: [String]?

    /// Creates a member.
    public init(split: String, member: String, label: Int? = nil, captions: [String]? = nil) {
        self.split = split
        self.member = member
        self.label = label
        self.captions = captions
    }
}

/// One image that was decoded once and found whole.
public struct ImageRecord: Codable, Hashable, Sendable {
    /// The identity of its content (`ContentID`).
    public var id: String
    /// The data set's name in the pipeline.
    public var dataset: String
    /// Its name within the data set's source.
    public var member: String
    /// The index of its class.
    public var label: Int?
    /// The identity of its mask, where it has one.
    public var mask: String?
    /// The identities of its other maps, by the task that they answer.
    public var maps: [String: String]?
    /// What a person said it shows, where anybody did.
    public var captions: [String]?
    /// Columns, seen upright and not reduced.
    public var width: Int
    /// Rows, seen upright and not reduced.
    public var height: Int

    /// Creates a record.
    public init(
        id: String, dataset: String, member: String, label: Int? = nil, mask: String? = nil,
        maps: [String: String]? = nil, captions: [String]? = nil, width: Int, height: Int
    ) {
        self.id = id
        self.dataset = dataset
        self.member = member
        self.label = label
        self.mask = mask
        self.maps = maps
        self.captions = captions
        self.width = width
        self.height = height
    }

    /// The identity of its map, where it has one.
    func mapIdentity(_ task: DenseTask) -> String? {
        task == .segmentation ? mask : maps?[task.rawValue]
    }

    /// The tasks to which the data set has answers for this image.
    public var knownTasks: [DenseTask] { DenseTask.allCases.filter { mapIdentity($0) != nil } }
}
