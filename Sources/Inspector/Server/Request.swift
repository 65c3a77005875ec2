import Foundation

/// One request, as the handlers see it; nothing in it depends on how it came here.
struct Request: Sendable {
    /// `GET`, `HEAD` or `POST`; others never get this far.
    var method: String
    /// The parts of the path between slashes, each percent-decoded exactly once; none for `/`.
    var path: [String]
    /// What follows the question mark; the last of equal names counts.
    var query: Fields
    /// The header fields by their names in lower case.
    var headers: [String: String]
    /// The body, of at most ``HTTPLimits/body`` bytes.
    var body = Data()

    init(
        _ method: String, _ target: String, headers: [String: String] = [:], body: Data = Data()
    ) throws(RequestProblem) {
        guard target.utf8.first == UInt8(ascii: "/"), target.utf8.count <= HTTPLimits.target else {
            throw RequestProblem(.badRequest, "the target of the request is not a path of this server")
        }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path: [String] = []
        for part in parts[0].split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            path.append(try Fields.decoded(part))
        }
        guard path == [""] || !path.contains("") else {
            throw RequestProblem(.notFound, "there is no such page")
        }
        self.method = method
        self.path = path == [""] ? [] : path
        self.headers = headers
        self.body = body
        query = try Fields(parts.count > 1 ? String(parts[1]) : "")
    }

    /// The path as a client would write it.
    var location: String { "/" + path.map(\.percentEncoded).joined(separator: "/") }

    /// The cookies by name.
    var cookies: [String: String] {
        var cookies: [String: String] = [:]
        for pair in (headers["cookie"] ?? "").split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if parts.count == 2 { cookies[parts[0]] = parts[1] }
        }
        return cookies
    }

    /// The fields of a form that was sent.
    func form() throws(RequestProblem) -> Fields {
        guard headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true,
            let text = String(data: body, encoding: .utf8)
        else { throw RequestProblem(.badRequest, "the body is not a form") }
        return try Fields(text)
    }
}

/// Names and values, as a query or a form gives them.
struct Fields: Hashable, Sendable {
    private var values: [String: String] = [:]

    init() {}

    /// Reads `a=1&b=2`.
    init(_ text: String) throws(RequestProblem) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let spaced = parts.map { $0.replacing("+", with: " ")[...] }
            values[try Self.decoded(spaced[0])] = parts.count > 1 ? try Self.decoded(spaced[1]) : ""
        }
    }

    /// A value, or nil when it is absent or empty: a form sends the fields that were left empty, too.
    subscript(name: String) -> String? {
        get { values[name].flatMap { $0.isEmpty ? nil : $0 } }
        set { values[name] = newValue }
    }

    /// The fields as a query, sorted by name, without the empty ones.
    var encoded: String {
        values.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
            .map { "\($0.key.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }

    /// The text behind percent signs; bytes that are no UTF-8 and control characters are refused.
    static func decoded(_ text: Substring) throws(RequestProblem) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexValue, let low = rest.popFirst()?.hexValue else {
                throw RequestProblem(.badRequest, "a percent sign is not followed by two digits")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(where: { $0 < 0x20 })
        else { throw RequestProblem(.badRequest, "the request holds bytes that are no text") }
        return decoded
    }
}

extension UInt8 {
    fileprivate var hexValue: UInt8? { Character(UnicodeScalar(self)).hexDigitValue.map(UInt8.init) }
}

extension String {
    /// The text for a path or a query: everything but letters, digits and `-._~` behind percent signs.
    var percentEncoded: String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        let digits = Array("0123456789ABCDEF")
        return utf8.reduce(into: "") { text, byte in
            if plain.contains(byte) {
                text.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}

/// A request that is not served, and why.
struct RequestProblem: Error, Hashable {
    let status: Response.Status
    let message: String

    init(_ status: Response.Status, _ message: String) {
        self.status = status
        self.message = message
    }
}
