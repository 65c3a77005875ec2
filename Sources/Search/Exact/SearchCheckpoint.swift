public import Foundation

/// How far exact searches over many rows have got, on disk, so that one that was stopped goes on from there.
///
/// Of a search for the best rows of some queries the best so far are kept, of one for the nearest query of every row the
/// answers so far. What is found in the end is what a search finds that was not stopped. A file that is damaged, or of
/// another question, counts for nothing.
public final class SearchCheckpoint {
    /// Part of every name: raised when results would be others.
    private static let revision = 1

    private let folder: URL
    private let source: Data
    private let interval: Duration
    private let digest: (Data) -> String
    private let advance: (_ share: Double) throws -> Void
    private let clock = ContinuousClock()
    /// When what the search has was last kept, or when it began.
    private var since: ContinuousClock.Instant
    private var next: ContinuousClock.Instant
    private var places: [String: SearchPlace] = [:]

    /// A checkpoint that is written at most every `interval`, takes no more than a twentieth of the time, and is written
    /// when a search is stopped; an interval of zero writes it after every block.
    ///
    /// - Parameters:
    ///   - folder: where it lies.
    ///   - source: what tells the gallery from others, where the folder does not belong to one alone.
    ///   - digest: a digest, under which a search is found again.
    ///   - advance: is told after every block how much of a search is done, from 0 to 1; it may throw to stop.
    public init(
        in folder: URL, of source: Data = Data(), every interval: Duration = .seconds(30),
        digest: @escaping (Data) -> String, advance: @escaping (_ share: Double) throws -> Void = { _ in }
    ) {
        self.folder = folder
        self.source = source
        self.interval = interval
        self.digest = digest
        self.advance = advance
        (since, next) = (clock.now, clock.now + interval)
    }

    /// Removes what the searches of this checkpoint have kept.
    public func remove() {
        for place in places.values { place.remove() }
    }

    /// Begins a search, and tells where it keeps what it has.
    ///
    /// - Parameter rows: what tells the rows that are searched, and the order of equals, from others.
    func begin(_ kind: String, _ queries: VectorTable, _ rows: RowsHash) -> SearchPlace {
        let question = "\(Self.revision) \(kind) \(queries.count) \(queries.dimension) \(rows.value)\n"
        let name = digest(Data(question.utf8) + source + queries.values.withUnsafeBytes { Data($0) })
        let place = SearchPlace(folder: folder, name: name)
        places[name] = place
        since = clock.now
        return place
    }

    /// Says how far a search is, and keeps what it has when it is time to, or when it is to stop.
    func passed(_ share: Double, keep: () throws -> Void) throws {
        do { try advance(share) } catch {
            // What has asked to stop is told, even if there is no room to keep anything.
            try? keep()
            throw error
        }
        let began = clock.now
        guard began >= next else { return }
        try keep()
        since = clock.now
        next = interval == .zero ? since : since + max(interval, (since - began) * 20)
    }

    /// Keeps what a search has in the end, unless all but a little of it is kept.
    func finish(keep: () throws -> Void) throws {
        if clock.now - since >= interval { try keep() }
    }

    /// Says how far a search is of which nothing is kept.
    func passed(_ share: Double) throws { try advance(share) }
}

/// What tells one choice of rows, and one order of equals, from another: FNV-1a over their numbers.
///
/// It tells apart what one request asks for, and is no defence against anybody.
struct RowsHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The rows of a source that may be found, and the order of equals.
    init(_ source: some VectorSource, eligible: [Bool]? = nil, order: TieOrder) {
        add(UInt64(source.count))
        (source as? VectorSubset)?.add(to: &self)
        for isEligible in eligible ?? [] { add(isEligible ? 1 : 2) }
        order.add(to: &self)
    }

    mutating func add(_ number: UInt64) { value = (value ^ number) &* 0x100_0000_01b3 }
}
