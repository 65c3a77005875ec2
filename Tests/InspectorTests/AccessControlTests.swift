import Foundation
import Testing

@testable import Inspector

@Suite struct AccessControlTests {
    private let access = AccessControl(token: Inspected.token, port: 4321)

    private func status(_ method: String, _ target: String, _ headers: [String: String]) -> Response.Status {
        do {
            let request = try Request(
                method, target, headers: ["host": "127.0.0.1:4321"].merging(headers) { $1 })
            switch try access.check(request) {
            case .allow: return .ok
            case .answer(let response): return response.status
            }
        } catch { return error.status }
    }

    private var cookie: [String: String] { ["cookie": "a=b; retort-4321=\(Inspected.token)"] }
    private var bearer: [String: String] { ["authorization": "Bearer \(Inspected.token)"] }

    @Test func `a token is needed, and the right one`() {
        #expect(status("GET", "/", [:]) == .forbidden)
        #expect(status("GET", "/", cookie) == .ok)
        #expect(status("GET", "/", bearer) == .ok)
        #expect(status("GET", "/?token=\(Inspected.token)", [:]) == .seeOther)
        #expect(status("GET", "/api/set?token=\(Inspected.token)", [:]) == .ok)
        for wrong in [
            "", "0", Inspected.token.dropLast() + "0", Inspected.token + "0", Inspected.token.uppercased(),
        ] {
            #expect(status("GET", "/?token=\(wrong)x", cookie) == .forbidden)
            #expect(status("GET", "/", ["cookie": "retort-4321=\(wrong)"]) == .forbidden)
            #expect(status("GET", "/", ["authorization": "Bearer \(wrong)"]) == .forbidden)
        }
        #expect(status("GET", "/", ["cookie": "retort-4322=\(Inspected.token)"]) == .forbidden)
        #expect(Set((0..<50).map { _ in AccessControl.freshToken() }).count == 50)
        #expect(AccessControl.freshToken().count == 32)
    }

    @Test(arguments: [
        "evil.example", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4321.evil.example", "[::1]:4321",
    ])
    func `another host's name is not answered`(_ host: String) {
        #expect(status("GET", "/", cookie.merging(["host": host]) { $1 }) == .misdirected)
    }

    @Test func `only the server's own pages may write with a cookie`() {
        let own = "http://127.0.0.1:4321"
        let cases: [([String: String], Response.Status)] = [
            ([:], .forbidden), (["origin": own], .ok), (["origin": "http://localhost:4321"], .ok),
            (["origin": "http://127.0.0.1:9999"], .forbidden),
            (["origin": "https://evil.example"], .forbidden),
            (["origin": "null"], .forbidden), (["origin": "null", "sec-fetch-site": "same-origin"], .ok),
            (["sec-fetch-site": "same-origin"], .ok), (["sec-fetch-site": "same-site"], .forbidden),
            (["origin": own, "sec-fetch-site": "cross-site"], .forbidden),
            (["origin": "http://127.0.0.1:9999", "sec-fetch-site": "same-origin"], .forbidden),
        ]
        for (headers, expected) in cases {
            #expect(status("POST", "/api/marks", cookie.merging(headers) { $1 }) == expected, "\(headers)")
        }
        #expect(status("POST", "/api/marks", bearer) == .ok)
    }

    @Test func `pages elsewhere can link here and embed nothing`() {
        let navigation = [
            "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document",
        ]
        let image = ["sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"]
        let frame = [
            "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe",
        ]
        #expect(status("GET", "/sheet", cookie.merging(navigation) { $1 }) == .ok)
        #expect(status("GET", "/thumb/x", cookie.merging(image) { $1 }) == .forbidden)
        #expect(status("GET", "/", cookie.merging(frame) { $1 }) == .forbidden)
    }

    @Test func `other methods are not served`() {
        for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PATCH"] {
            #expect(status(method, "/", bearer) == .notAllowed)
        }
    }

    @Test func `the token moves from the address to a cookie that only this server reads`() throws {
        let request = try Request(
            "GET", "/sheet?sort=low&token=\(Inspected.token)", headers: ["host": "localhost:4321"])
        guard case .answer(let response) = try access.check(request) else {
            Issue.record("no redirection")
            return
        }
        #expect(response.header("Location") == "/sheet?sort=low")
        let cookie = try #require(response.header("Set-Cookie"))
        #expect(cookie == "retort-4321=\(Inspected.token); Path=/; HttpOnly; SameSite=Strict")
        // From a page elsewhere, the cookie of a redirect would not be sent back.
        let linked = try Request(
            "GET", "/?token=\(Inspected.token)",
            headers: ["host": "localhost:4321", "sec-fetch-site": "cross-site"])
        guard case .answer(let page) = try access.check(linked) else { return }
        #expect(page.status == .ok && page.bodyText.contains("content=\"0;url=/\""))
    }
}

@Suite struct RequestTests {
    @Test func `a path is decoded once`() throws {
        #expect(try Request("GET", "/image/a%252Fb").path == ["image", "a%2Fb"])
        #expect(try Request("GET", "/image/..%2F..%2Fetc%2Fpasswd").path == ["image", "../../etc/passwd"])
        #expect(try Request("GET", "/").path.isEmpty)
        #expect(try Request("GET", "/a?x=1+2&y=%26&x=3").query["x"] == "3")
        #expect(try Request("GET", "/a?y=%26&z=").query["y"] == "&")
    }

    @Test(arguments: [
        "", "x", "http://a/b", "*", "//a", "/a//b", "/a/", "/%", "/%4", "/%zz", "/%ff", "/%00", "/a?b=%0d%0a",
    ])
    func `a target that is none is refused`(_ target: String) {
        #expect(throws: RequestProblem.self) { try Request("GET", target) }
    }

    @Test func `a file comes out of a form as it went in`() throws {
        let bytes = Data((0..<600).map { UInt8(truncatingIfNeeded: $0) }) + Data("\r\n--x\r\n\r\n".utf8)
        func body(_ name: String) -> Data {
            Data("--b0undary\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n".utf8)
                + Data("--b0undary\r\nContent-Disposition: form-data; name=\"\(name)\"; ".utf8)
                + Data("filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n".utf8) + bytes
                + Data("\r\n--b0undary--\r\n".utf8)
        }
        func request(_ type: String, _ body: Data) throws -> Request {
            try Request("POST", "/search", headers: ["content-type": type], body: body)
        }
        let type = "multipart/form-data; boundary=b0undary"
        #expect(try UploadedFile("picture", in: request(type, body("picture"))).data == bytes)
        #expect(throws: RequestProblem.self) { try UploadedFile("picture", in: request(type, body("x"))) }
        #expect(throws: RequestProblem.self) {
            try UploadedFile("picture", in: request(type, body("picture").dropLast(14)))
        }
        #expect(throws: RequestProblem.self) { try UploadedFile("picture", in: request("text/plain", bytes)) }
    }

    @Test func `a place to go back to is on this server`() throws {
        #expect(try Site.local("/sheet?sort=low&page=2") == "/sheet?page=2&sort=low")
        for place in [
            "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "", "x",
        ] {
            #expect(try Site.local(place) == "/")
        }
        #expect(try Site.local(nil) == "/")
    }
}
