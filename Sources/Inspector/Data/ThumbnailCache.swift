import Foundation
import Report
import Stages
import Synchronization

/// The small pictures of images: made once, kept while there is room, and only of images that the artifact names.
final class ThumbnailCache: Sendable {
    /// Makes a JPEG of at most `side` pixels on its longer side; nil when the image cannot be read.
    typealias Source = @Sendable (_ dataset: String, _ member: String, _ side: Int) -> Data?

    /// The sizes that are served.
    static let sides = [96, 192, 448]
    private static let budget = 64 << 20

    private let set: InspectedSet
    private let others: [InspectedSet]
    private let source: Source
    private let state = Mutex(State())

    private struct Key: Hashable {
        let id: String
        let side: Int
    }

    private struct State {
        var pictures: [Key: Data] = [:]
        var bytes = 0
        /// Images that a page told of and whose id no table has.
        var places: [String: ImageReference] = [:]
    }

    init(_ set: InspectedSet, others: [InspectedSet], source: @escaping Source) {
        self.set = set
        self.others = others
        self.source = source
    }

    /// An id for an image of which the artifact tells only the place.
    func id(of source: String) -> String {
        let id = "at-" + String(TextHash.hash(source), radix: 16)
        remember(ImageReference(id: id, source: source))
        return id
    }

    /// Makes the picture of an image available of which no file of the artifact tells.
    func remember(_ place: ImageReference) {
        state.withLock { state in
            if state.places.count >= 100_000 { state.places = [:] }
            state.places[place.id] = place
        }
    }

    /// Makes the pictures of what a search found available.
    func remember(_ hits: [EmbeddingQuery.Hit]) {
        for hit in hits { remember(ImageReference(id: hit.id, source: hit.source)) }
    }

    /// Where an image lies that was remembered.
    func remembered(_ id: String) -> ImageReference? { state.withLock { $0.places[id] } }

    /// The picture of an image; nil when no file of the artifact tells of it, or it cannot be read any more.
    func picture(_ id: String, side: Int) throws -> Data? {
        let key = Key(id: id, side: side)
        if let known = state.withLock({ $0.pictures[key] }) { return known }
        guard let place = try place(of: id), let data = source(place.dataset, place.member, side) else {
            return nil
        }
        state.withLock { state in
            // Everything goes at once: pictures are quick to make, and this needs no bookkeeping.
            if state.bytes + data.count > Self.budget { (state.pictures, state.bytes) = ([:], 0) }
            if state.pictures.updateValue(data, forKey: key) == nil { state.bytes += data.count }
        }
        return data
    }

    private func place(of id: String) throws -> ImageReference? {
        if let place = state.withLock({ $0.places[id] }) { return place }
        for set in [set] + others {
            if let place = try set.place(of: id) { return place }
        }
        return nil
    }
}
