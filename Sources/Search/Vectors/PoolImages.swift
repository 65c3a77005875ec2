/// The images of a pool in the order of the rows, each made when it is asked for.
///
/// A pool of ten million images takes a gigabyte as an array. What is read from a file, or follows from a row's
/// number, need not be held at all.
public struct PoolImages: RandomAccessCollection, Sendable {
    /// The content ids.
    public let ids: PoolIDs
    private let image: @Sendable (Int) -> PoolImage

    /// Creates a pool from a way to make an image from its row.
    public init(ids: PoolIDs, image: @escaping @Sendable (_ row: Int) -> PoolImage) {
        (self.ids, self.image) = (ids, image)
    }

    /// Holds the images of a collection.
    public init(_ images: some Collection<PoolImage>) {
        if let images = images as? PoolImages {
            self = images
        } else {
            let all = Array(images)
            self.init(ids: PoolIDs(all.map(\.id))) { all[$0] }
        }
    }

    /// The first row.
    public var startIndex: Int { 0 }
    /// The number of images.
    public var endIndex: Int { ids.count }

    /// The image of a row.
    public subscript(row: Int) -> PoolImage { image(row) }
}

/// Content ids in the order of the rows, each made when it is asked for.
public struct PoolIDs: RandomAccessCollection, Sendable {
    /// The number of ids.
    public let endIndex: Int
    /// The order of the ids, by which equally similar images are told apart.
    public let order: TieOrder
    /// Whether no id is known to occur twice.
    public let areDistinct: Bool
    private let id: @Sendable (Int) -> String

    /// Creates ids from a way to make one from its row.
    public init(
        count: Int, order: TieOrder, areDistinct: Bool, id: @escaping @Sendable (_ row: Int) -> String
    ) {
        endIndex = count
        (self.order, self.areDistinct, self.id) = (order, areDistinct, id)
    }

    /// Holds the ids of a collection.
    public init(_ ids: some Collection<String>) {
        if let ids = ids as? PoolIDs {
            self = ids
        } else {
            let all = Array(ids)
            self.init(count: all.count, order: TieOrder(ids: all), areDistinct: false) { all[$0] }
        }
    }

    /// The first row.
    public var startIndex: Int { 0 }

    /// The id of a row.
    public subscript(row: Int) -> String { id(row) }
}
