import Foundation

/// How much a client may send, and how long it may take.
enum HTTPLimits {
    /// Bytes of a target: path and query.
    static let target = 4 << 10
    /// Bytes of the request line and the header fields together.
    static let head = 16 << 10
    /// Header fields.
    static let fields = 64
    /// Bytes of a body.
    static let body = 64 << 10
    /// Connections at a time; browsers open six.
    static let connections = 32
    /// Seconds from the first byte of a request to its last, however slowly they come.
    static let requestSeconds = 10.0
    /// Seconds that a connection may wait for its next request.
    static let idleSeconds = 60.0
    /// Seconds that a client may take to accept a response.
    static let responseSeconds = 20.0
}

/// The head of a request: its line and its header fields.
struct RequestHead: Sendable {
    let method: String
    let target: String
    let headers: [String: String]
    /// The bytes of the body that follow.
    let bodyLength: Int
    /// Whether the client wants no further request on this connection.
    let closes: Bool

    /// Reads everything before the empty line.
    ///
    /// HTTP/1.1, or 1.0 without keeping the connection; strict, because two
    /// readings of one request are how requests are smuggled.
    init(_ bytes: Data) throws(RequestProblem) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RequestProblem(.badRequest, "the head of the request is no text")
        }
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            throw RequestProblem(.badRequest, "the request line is not one of HTTP/1.1")
        }
        guard words[1].utf8.count <= HTTPLimits.target else {
            throw RequestProblem(.headersTooLarge, "the target of the request is too long")
        }
        guard lines.count - 1 <= HTTPLimits.fields else {
            throw RequestProblem(.headersTooLarge, "there are too many header fields")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let (name, value) = try Self.field(line)
            // Twice the same field is allowed by few of them, and by none that matters here.
            guard headers.updateValue(value, forKey: name) == nil || name == "accept" else {
                throw RequestProblem(.badRequest, "the header field '\(name)' occurs twice")
            }
        }
        guard headers["transfer-encoding"] == nil else {
            throw RequestProblem(.lengthRequired, "a body needs Content-Length; chunks are not taken")
        }
        let length = headers["content-length"]
        guard length == nil || length?.utf8.allSatisfy({ (0x30...0x39).contains($0) }) == true else {
            throw RequestProblem(.badRequest, "Content-Length is not a number")
        }
        method = String(words[0])
        target = String(words[1])
        bodyLength = length.map { Int($0) ?? Int.max } ?? 0
        closes = words[2] == "HTTP/1.0" || headers["connection"]?.lowercased().contains("close") == true
        self.headers = headers
        guard bodyLength <= HTTPLimits.body else {
            throw RequestProblem(.tooLarge, "the body may have at most \(HTTPLimits.body >> 10) KB")
        }
        guard method != "POST" || length != nil else {
            throw RequestProblem(.lengthRequired, "a body needs Content-Length")
        }
    }

    private static func field(_ line: Substring) throws(RequestProblem) -> (String, String) {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex,
            line[..<colon].utf8.allSatisfy(tokens.contains),
            !line.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 })
        else { throw RequestProblem(.badRequest, "a header field cannot be read") }
        let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        return (line[..<colon].lowercased(), value)
    }
}

/// Reads requests from one connection, one after the other, each against the clock.
struct RequestReader {
    /// Waits at most so long and reads at most so many bytes; nil at the end of the stream.
    let receive: (_ count: Int, _ seconds: Double) throws(RequestProblem) -> Data?
    /// What has arrived and belongs to the next request.
    private var pending = Data()

    init(receive: @escaping (_ count: Int, _ seconds: Double) throws(RequestProblem) -> Data?) {
        self.receive = receive
    }

    /// The next request's head; nil when the client has none.
    mutating func head() throws(RequestProblem) -> RequestHead? {
        var deadline = Deadline(HTTPLimits.requestSeconds)
        while true {
            if let end = pending.range(of: Data("\r\n\r\n".utf8)) {
                guard end.lowerBound - pending.startIndex <= HTTPLimits.head else { break }
                let head = pending[pending.startIndex..<end.lowerBound]
                pending = Data(pending[end.upperBound...])
                return try RequestHead(Data(head))
            }
            guard pending.count <= HTTPLimits.head else { break }
            if pending.isEmpty {
                guard let more = try receive(16 << 10, HTTPLimits.idleSeconds) else { return nil }
                pending = more
                deadline = Deadline(HTTPLimits.requestSeconds)
            } else {
                guard let more = try receive(16 << 10, deadline.left) else { return nil }
                pending += more
            }
        }
        throw RequestProblem(.headersTooLarge, "the head of the request is longer than 16 KB")
    }

    /// The body after a head; nil when the client ends before it does.
    mutating func body(of head: RequestHead) throws(RequestProblem) -> Data? {
        let deadline = Deadline(HTTPLimits.requestSeconds)
        while pending.count < head.bodyLength {
            guard let more = try receive(head.bodyLength - pending.count, deadline.left) else { return nil }
            pending += more
        }
        let body = pending.prefix(head.bodyLength)
        pending = Data(pending.dropFirst(head.bodyLength))
        return Data(body)
    }

    private struct Deadline {
        private let end: ContinuousClock.Instant

        init(_ seconds: Double) { end = .now + .seconds(seconds) }

        /// The seconds that are left, never less than none.
        var left: Double { max(0, (end - .now) / .seconds(1)) }
    }
}
