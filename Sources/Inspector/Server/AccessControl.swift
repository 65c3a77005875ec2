import Foundation

/// Decides whether a request may be served at all, before anything looks at what it asks for.
///
/// The server shows a person's images and writes their marks, and every page in the same browser, and every program
/// of every user on the machine, can reach its port. So a request needs the token; its `Host` must be the loopback
/// address (else a name that was rebound to it could read everything); and what changes something, or is not a
/// page's own request, must come from this server's own pages.
struct AccessControl: Sendable {
    /// 128 random bits as 32 hexadecimal digits.
    let token: String
    let port: Int

    init(token: String = AccessControl.freshToken(), port: Int) {
        self.token = token
        self.port = port
    }

    static func freshToken() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The name carries the port, because browsers share cookies between the ports of a host.
    var cookieName: String { "retort-\(port)" }

    /// How a request may go on.
    enum Verdict {
        case allow
        case answer(Response)
    }

    func check(_ request: Request) throws(RequestProblem) -> Verdict {
        guard let host = request.headers["host"], hosts.contains(host.lowercased()) else {
            throw RequestProblem(.misdirected, "this server is 127.0.0.1:\(port) and nothing else")
        }
        guard ["GET", "HEAD", "POST"].contains(request.method) else {
            throw RequestProblem(.notAllowed, "the method '\(request.method)' is not served")
        }
        let inAddress = request.query["token"].map(isToken)
        let inHeader = bearer(request).map(isToken)
        let inCookie = request.cookies[cookieName].map(isToken)
        guard inAddress ?? inHeader ?? inCookie ?? false else {
            throw RequestProblem(
                .forbidden, "the token is missing or wrong: open the address that 'retort inspect' printed")
        }
        if request.method == "POST" {
            // A program that knows the token says so in a header, which no page of another origin can send.
            if inHeader == nil { try requireOwnOrigin(request) }
        } else if inAddress == true, request.path.first != "api", request.path.first != "thumb" {
            return .answer(welcome(request))
        } else {
            try refuseEmbedding(request)
        }
        return .allow
    }

    private var hosts: Set<String> { ["127.0.0.1:\(port)", "localhost:\(port)"] }

    private func bearer(_ request: Request) -> String? {
        guard let field = request.headers["authorization"], field.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        return field.dropFirst("bearer ".count).trimmingCharacters(in: .whitespaces)
    }

    /// Compares in a time that does not depend on where the two differ.
    private func isToken(_ given: String) -> Bool {
        let (given, token) = (Array(given.utf8), Array(token.utf8))
        guard given.count == token.count else { return false }
        return zip(given, token).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// With `Referrer-Policy: no-referrer`, browsers send `Origin: null` with forms; then Fetch Metadata, which no
    /// page can forge, must say where it comes from.
    private func requireOwnOrigin(_ request: Request) throws(RequestProblem) {
        let site = request.headers["sec-fetch-site"]
        let origin = request.headers["origin"].flatMap { $0 == "null" ? nil : $0 }
        let isOwnOrigin = origin.map { hosts.map { "http://\($0)" }.contains($0.lowercased()) }
        guard site ?? "same-origin" == "same-origin", isOwnOrigin ?? (site != nil) else {
            throw RequestProblem(.forbidden, "the request comes from a page of another origin")
        }
    }

    /// Another page may send its reader here, but not read or show anything from here.
    private func refuseEmbedding(_ request: Request) throws(RequestProblem) {
        switch request.headers["sec-fetch-site"] {
        case nil, "same-origin", "none": return
        default:
            let mode = request.headers["sec-fetch-mode"]
            guard mode == "navigate", request.headers["sec-fetch-dest"] == "document" else {
                throw RequestProblem(.forbidden, "the request comes from a page of another origin")
            }
        }
    }

    /// Moves the token from the address bar to a cookie.
    private func welcome(_ request: Request) -> Response {
        var query = request.query
        query["token"] = nil
        let location = request.location + (query.encoded.isEmpty ? "" : "?\(query.encoded)")
        var response: Response
        switch request.headers["sec-fetch-site"] {
        case nil, "none", "same-origin": response = .redirect(to: location)
        default:
            // From a page elsewhere, a redirect would count as that page's and so come without the cookie.
            response = .html(
                "<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0;url=\(location.quoted)\">"
                    + "<title>Retort</title><a href=\"\(location.quoted)\">Go on</a>")
        }
        response.headers.append(
            (name: "Set-Cookie", value: "\(cookieName)=\(token); Path=/; HttpOnly; SameSite=Strict"))
        return response
    }

    /// What every response says to the browser, whatever it holds.
    static let headers = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ]
}

extension String {
    /// For an attribute in double quotes.
    ///
    /// What is percent-encoded holds nothing else that matters.
    fileprivate var quoted: String { replacing("&", with: "&amp;").replacing("\"", with: "&quot;") }
}
