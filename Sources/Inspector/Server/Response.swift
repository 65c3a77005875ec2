import Foundation

/// What is sent back.
struct Response: Sendable {
    /// The results this server knows.
    enum Status: Int, Hashable, Sendable {
        case ok = 200
        case seeOther = 303
        case notModified = 304
        case badRequest = 400
        case forbidden = 403
        case notFound = 404
        case notAllowed = 405
        case tooLarge = 413
        case misdirected = 421
        case failed = 500
        case busy = 503

        var phrase: String {
            switch self {
            case .ok: "OK"
            case .seeOther: "See Other"
            case .notModified: "Not Modified"
            case .badRequest: "Bad Request"
            case .forbidden: "Forbidden"
            case .notFound: "Not Found"
            case .notAllowed: "Method Not Allowed"
            case .tooLarge: "Content Too Large"
            case .misdirected: "Misdirected Request"
            case .failed: "Internal Server Error"
            case .busy: "Service Unavailable"
            }
        }
    }

    var status: Status
    var headers: [(name: String, value: String)]
    var body: Data

    init(_ status: Status, type: String? = nil, _ body: Data = Data(), headers: [(String, String)] = []) {
        self.status = status
        self.headers = (type.map { [("Content-Type", $0)] } ?? []) + headers
        self.body = body
    }

    static func html(_ page: String, status: Status = .ok) -> Response {
        Response(status, type: "text/html; charset=utf-8", Data(page.utf8))
    }

    static func text(_ text: String, status: Status = .ok) -> Response {
        Response(status, type: "text/plain; charset=utf-8", Data((text + "\n").utf8))
    }

    static func json(_ value: some Encodable, status: Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Response(status, type: "application/json", try encoder.encode(value))
    }

    /// Sends the browser to another page of this server.
    static func redirect(to location: String) -> Response {
        Response(.seeOther, headers: [("Location", location)])
    }

    /// The value of a header field.
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
