internal import Diagnostics
public import Foundation
internal import Report
internal import Stages

/// Serves a curated transfer set to a browser on the same machine, and writes down what the reader says of it.
///
/// It listens on 127.0.0.1 alone and answers only who has the token that its address carries. Everything shown comes
/// from the artifact's own files; nothing is loaded from any network.
public final class InspectorServer: Sendable {
    /// What is inspected, and where the reader's words go.
    public struct Options: Sendable {
        /// The folder of the transfer set.
        public var artifact: URL
        /// The folder of another transfer set, to compare with.
        public var against: URL?
        /// The file of the marks; it need not exist.
        public var marks: URL
        /// The file of the audit's answers; it need not exist.
        public var audit: URL
        /// The folder of a teacher's labels of the set, if there are any.
        public var labels: URL?
        /// The port; 0 takes any that is free.
        public var port = 0

        /// Creates options.
        public init(artifact: URL, marks: URL, audit: URL) {
            self.artifact = artifact
            self.marks = marks
            self.audit = audit
        }
    }

    private let listener: Listener
    private let site: Site

    /// Opens the set, takes a port and serves on threads of its own, until ``stop()``.
    ///
    /// Throws a `Diagnostic` when the artifact is damaged, a marks file has a damaged line, or the port is taken.
    public convenience init(_ options: Options) throws {
        let store = options.artifact.deletingLastPathComponent()
        let images = try StoredImages(of: options.artifact, store: store)
        try self.init(options) { dataset, member, side in
            images.jpeg(dataset: dataset, member: member, side: side)
        }
    }

    init(_ options: Options, thumbnails: @escaping ThumbnailCache.Source, search: PoolSearch? = nil) throws {
        let certainty = try options.labels.flatMap(TeacherCertainty.init(labels:))
        let set = try InspectedSet(
            options.artifact,
            entropies: certainty.map {
                Dictionary(zip($0.ids, $0.entropies), uniquingKeysWith: { first, _ in first })
            })
        let other = try options.against.map { try InspectedSet($0) }
        let marks = try MarksFile(options.marks)
        let audit = AuditFile(options.audit)
        let token = AccessControl.freshToken()
        let projection = Self.projection(of: set, at: options.artifact)
        // The port is known once the socket is bound, and the site must know it to recognise its own address.
        let slot = SiteSlot()
        listener = try Listener(
            port: options.port, handle: { slot.site?.respond(to: $0) ?? .text("not ready", status: .busy) },
            refuse: { slot.site?.refuse($0) ?? .text("not ready", status: .busy) })
        site = Site(
            set, other: other, marks: marks, audit: audit,
            access: AccessControl(token: token, port: listener.port), thumbnails: thumbnails,
            projection: projection, search: search ?? PoolSearch(of: options.artifact))
        slot.fill(site)
    }

    /// The address to open, with the token.
    public var address: String { "http://127.0.0.1:\(listener.port)/?token=\(site.access.token)" }

    /// The port that is listened on.
    var port: Int { listener.port }

    /// Prepares what the first pages need, on a thread of its own.
    public func prepare() {
        let site = site
        let thread = Thread { site.warmUp() }
        thread.start()
    }

    /// Takes no further requests.
    public func stop() { listener.stop() }

    private static func projection(of set: InspectedSet, at artifact: URL) -> (
        @Sendable () throws -> Projection?
    )? {
        let store = artifact.deletingLastPathComponent()
        guard StoredEmbeddings(of: artifact, store: store) != nil else { return nil }
        return {
            guard let embeddings = StoredEmbeddings(of: artifact, store: store) else { return nil }
            let count = min(set.table.count, Projection.limit)
            let rows = (0..<count).map { $0 * set.table.count / count }
            let ids = try rows.map { try set.table.image($0).id }
            let places = try embeddings.plane(of: ids)
            return Projection(
                points: zip(rows, places).compactMap { row, place in
                    place.map { Projection.Point(row: row, x: Double($0.x), y: Double($0.y)) }
                })
        }
    }
}
