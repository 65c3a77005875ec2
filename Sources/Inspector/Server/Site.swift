import Diagnostics
import Foundation
import Report
import Search
import Synchronization

/// The inspector without its sockets: turns a request into a response.
///
/// What it shows comes from the files of one artifact, and of another to compare with; what it writes are the marks
/// and the answers of an audit. Nothing that a request says ever becomes a path of the file system.
final class Site: Sendable {
    let set: InspectedSet
    let other: InspectedSet?
    let selector: Selector
    let marks: MarksFile
    let audit: AuditFile
    let thumbnails: ThumbnailCache
    let access: AccessControl
    /// The projection of the set's embeddings to a plane; nil when they are not there any more.
    let projection: (@Sendable () throws -> Projection?)?
    /// Finds images that are like another; nil when the embeddings are not there any more.
    let search: PoolSearch?
    private let state = Mutex(State())

    /// What is computed once, when a page first needs it.
    private struct State {
        var balance: Balance?
        var summary: SimilaritySummary??
        var difference: SetDifference?
        var samples: [Int: AuditSample] = [:]
        var projection: Projection??
    }

    init(
        _ set: InspectedSet, other: InspectedSet?, marks: MarksFile, audit: AuditFile, access: AccessControl,
        thumbnails: @escaping ThumbnailCache.Source,
        projection: (@Sendable () throws -> Projection?)? = nil, search: PoolSearch? = nil
    ) {
        self.set = set
        self.other = other
        self.marks = marks
        self.audit = audit
        self.access = access
        self.projection = projection
        self.search = search
        selector = Selector(set)
        self.thumbnails = ThumbnailCache(set, others: other.map { [$0] } ?? [], source: thumbnails)
    }

    /// Answers a request: first whether it may be answered, then with what.
    func respond(to request: Request) -> Response {
        var response: Response
        do throws(RequestProblem) {
            switch try access.check(request) {
            case .answer(let answer): response = answer
            case .allow: response = try route(request)
            }
        } catch {
            response = refuse(error)
        }
        return dressed(response)
    }

    /// The answer to a request that is not served.
    func refuse(_ problem: RequestProblem) -> Response {
        var response = Response.text(problem.message, status: problem.status)
        if problem.status == .notAllowed { response.headers.append(("Allow", "GET, HEAD, POST")) }
        return dressed(response)
    }

    private func dressed(_ response: Response) -> Response {
        var response = response
        for (name, value) in AccessControl.headers where response.header(name) == nil {
            response.headers.append((name, value))
        }
        if response.header("Cache-Control") == nil { response.headers.append(("Cache-Control", "no-store")) }
        return response
    }

    private func route(_ request: Request) throws(RequestProblem) -> Response {
        do {
            switch (request.method == "HEAD" ? "GET" : request.method, request.path.first, request.path.count)
            {
            case ("GET", "static", 2): return try Assets.response(request.path[1])
            case ("GET", "thumb", 2): return try thumbnail(request)
            case (_, "api", _): return try API(site: self).respond(to: request)
            case ("POST", "marks", 1): return try mark(request)
            case ("POST", "audit", 1): return try answer(request)
            case ("POST", "search", 1):
                let picture = try UploadedFile("picture", in: request).data
                return .html(try Pages(site: self).search(picture: picture).rendered)
            case ("GET", _, _):
                let page = try Pages(site: self).page(request)
                return .html(page.rendered)
            default: throw RequestProblem(.notAllowed, "\(request.method) is not served here")
            }
        } catch let problem as RequestProblem {
            throw problem
        } catch {
            throw RequestProblem(.failed, "\(error)")
        }
    }

    private func thumbnail(_ request: Request) throws -> Response {
        let side = try request.query.number("side") ?? 192
        guard ThumbnailCache.sides.contains(side) else {
            throw RequestProblem(.badRequest, "pictures have a side of \(ThumbnailCache.sides)")
        }
        guard let picture = try thumbnails.picture(request.path[1], side: side) else {
            throw RequestProblem(.notFound, "there is no picture of this image")
        }
        return Response(
            .ok, type: "image/jpeg", picture,
            headers: [("Cache-Control", "private, max-age=3600, immutable")])
    }

    // MARK: What pages write

    /// Marks an image; `set` is `<mark> <id>`, as the buttons of a page have it.
    private func mark(_ request: Request) throws -> Response {
        let form = try request.form()
        let words = (form["set"] ?? "").split(separator: " ", maxSplits: 1)
        guard words.count == 2, let mark = Mark(rawValue: String(words[0])) else {
            throw RequestProblem(.badRequest, "the form names no mark and no image")
        }
        let id = String(words[1])
        try setMark(mark, of: id)
        return .redirect(to: try Self.local(form["back"]) + "#i-\(id.percentEncoded)")
    }

    @discardableResult
    func setMark(_ mark: Mark, of id: String, note: String? = nil) throws -> Mark? {
        guard try set.isPoolImage(id) || other?.isPoolImage(id) == true else {
            throw RequestProblem(.notFound, "there is no image '\(id)' in this set")
        }
        return try marks.set(mark, of: id, note: note)
    }

    private func answer(_ request: Request) throws -> Response {
        let form = try request.form()
        let seed = try form.number("seed") ?? 0
        let undone = form["undo"]
        guard let answer = undone != nil ? AuditAnswer.none : form["answer"].flatMap(AuditAnswer.init),
            let id = undone ?? form["id"], set.table.row(of: id) != nil
        else { throw RequestProblem(.badRequest, "the form names no answer and no image of this set") }
        try audit.add(answer, of: id, seed: seed)
        return .redirect(to: seed == 0 ? "/audit" : "/audit?seed=\(seed)")
    }

    /// A place on this server to go back to; anything else becomes the first page.
    static func local(_ place: String?) throws(RequestProblem) -> String {
        guard let place, place.hasPrefix("/"), place.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C })
        else {
            return "/"
        }
        // A second slash would name another host.
        guard let request = try? Request("GET", place) else { return "/" }
        return Piece.address(request.location, request.query)
    }

    // MARK: What is computed once

    var balance: Balance {
        if let known = state.withLock({ $0.balance }) { return known }
        let balance = Balance(set, rows: 0..<set.table.count)
        state.withLock { $0.balance = balance }
        return balance
    }

    var summary: SimilaritySummary? {
        get throws {
            if let known = state.withLock({ $0.summary }) { return known }
            let summary = SimilaritySummary(set, order: try bySimilarity)
            state.withLock { $0.summary = .some(summary) }
            return summary
        }
    }

    /// All rows from the least similar on.
    private var bySimilarity: [UInt32] {
        get throws {
            var filter = ImageFilter()
            filter.sort = .low
            return try selector.rows(filter, marks: Marks())
        }
    }

    var difference: SetDifference? {
        guard let other else { return nil }
        if let known = state.withLock({ $0.difference }) { return known }
        let difference = SetDifference(set, other)
        state.withLock { $0.difference = difference }
        return difference
    }

    func sample(seed: Int) throws -> AuditSample {
        if let known = state.withLock({ $0.samples[seed] }) { return known }
        let sample = AuditSample(set, order: try bySimilarity, seed: seed)
        state.withLock { state in
            if state.samples.count >= 8 { state.samples = [:] }
            state.samples[seed] = sample
        }
        return sample
    }

    var projected: Projection? {
        get throws {
            guard let projection else { return nil }
            if let known = state.withLock({ $0.projection }) { return known }
            let made = try projection()
            state.withLock { $0.projection = .some(made) }
            return made
        }
    }

    /// Prepares what the first pages need, while the reader looks at another.
    func warmUp() {
        selector.warmUp()
        _ = balance
        _ = try? summary
    }
}
