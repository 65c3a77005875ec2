import Foundation
import Search
import Testing

@testable import Inspector

@Suite struct ServerTests {
    /// A server on a fake set, ended with this object.
    private final class Running {
        let inspected: Inspected
        let server: InspectorServer
        let token: String

        init() throws {
            inspected = try Inspected()
            server = try InspectorServer(inspected.options, thumbnails: Inspected.picture)
            token = server.address.components(separatedBy: "token=").last ?? ""
            server.prepare()
        }

        deinit { server.stop() }

        /// The status line and the rest of the answer to one request.
        func ask(
            _ line: String, host: String? = nil, token: String? = nil, _ headers: String = "",
            body: String = ""
        ) throws -> (status: Int, text: String) {
            let client = try RawClient(port: server.port)
            client.send(
                "\(line) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(server.port)")\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(token ?? self.token)\r\n\(headers)\r\n\(body)")
            let text = client.rest()
            return (Int(text.dropFirst(9).prefix(3)) ?? 0, text)
        }
    }

    @Test func `it serves who has the token, and nobody else`() throws {
        let running = try Running()
        #expect(try running.ask("GET /").status == 200)
        #expect(try running.ask("GET /", token: "wrong").status == 403)
        #expect(try running.ask("GET /api/set", token: "").status == 403)
        #expect(try running.ask("GET /search?text=a+cube", token: "wrong").status == 403)
        #expect(try running.ask("GET /api/search?text=a+cube", token: "wrong").status == 403)
        #expect(
            try running.ask("GET /thumb/\(FakeSet.id(0))", token: String(repeating: "0", count: 32)).status
                == 403)
        #expect(try running.ask("GET /", host: "rebound.example").status == 421)
        #expect(try running.ask("GET /", host: "localhost:\(running.server.port)").status == 200)
        let head = try running.ask("HEAD /sheet")
        #expect(head.status == 200 && head.text.hasSuffix("\r\n\r\n"))
    }

    @Test func `it listens on the loopback interface alone`() throws {
        let running = try Running()
        // Kept: the last use of it is not the end of the test.
        defer { withExtendedLifetime(running) {} }
        // /proc/net/tcp: local address in hexadecimal, bytes reversed. While others open and close sockets, one look
        // may miss lines.
        let digits = String(running.server.port, radix: 16, uppercase: true)
        let port = String(repeating: "0", count: 4 - digits.count) + digits
        var listening: [String] = []
        for _ in 0..<50 where listening.isEmpty {
            let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
            listening = table.split(separator: "\n").compactMap { line -> String? in
                let words = line.split(separator: " ")
                return words.count > 3 && words[3] == "0A" ? String(words[1]) : nil
            }.filter { $0.hasSuffix(":" + port) }
        }
        #expect(listening == ["0100007F:" + port])
    }

    @Test(arguments: [
        "GET /../../../../etc/passwd", "GET /thumb/../../../etc/passwd",
        "GET /thumb/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "GET /static/%2e%2e/%2e%2e/etc/passwd", "GET /%2fetc/passwd", "GET //etc/passwd",
        "GET /thumb/%252e%252e%252fetc",
        "GET /image/..%5c..%5cetc", "GET /thumb/pool-000000.tar%230.jpg", "GET /thumb/%00",
        "GET file:///etc/passwd",
    ]) func `no path leads to a file`(_ line: String) throws {
        let answer = try Running().ask(line)
        #expect(
            [400, 404].contains(answer.status) && !answer.text.contains("root:"), "\(answer.text.prefix(100))"
        )
    }

    @Test func `what is too large is refused`() throws {
        let running = try Running()
        let large = "Content-Type: application/json\r\nContent-Length: 100000\r\n"
        #expect(
            try running.ask("POST /api/marks", large, body: String(repeating: "x", count: 100_000)).status
                == 413)
        #expect(try running.ask("POST /api/marks", "Content-Length: 999999999999\r\n").status == 413)
        let chunk =
            String(65_537, radix: 16) + "\r\n" + String(repeating: "x", count: 65_537) + "\r\n0\r\n\r\n"
        #expect(
            try running.ask("POST /api/marks", "Transfer-Encoding: chunked\r\n", body: chunk).status == 413)
        #expect(try running.ask("GET /", "X: \(String(repeating: "y", count: 20_000))\r\n").status == 400)
        #expect(try running.ask("GET /?\(String(repeating: "z", count: 5_000))").status == 400)
        let many = (0..<80).map { "X-\($0): 1\r\n" }.joined()
        #expect(try running.ask("GET /", many).status == 400)
        #expect(try running.ask("GET /").status == 200)
    }

    @Test(arguments: [
        "GET /", "GET / HTTP/1.1\r\nno colon", "GET / HTTP/1.1\r\n: x",
        "GET / HTTP/1.1\r\n folded: x", "GET / HTTP/1.1\r\nA: 1\r\nA: 2", "GET / HTTP/1.1\r\nA: x\u{1}",
        "GET / HTTP/1.1\r\nHost: evil.example", "POST / HTTP/1.1\r\nContent-Length: -1",
        "POST / HTTP/1.1\r\nContent-Length: 1, 1",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999",
    ]) func `a head that can be read in two ways is refused`(_ head: String) throws {
        let running = try Running()
        let client = try RawClient(port: running.server.port)
        client.send(
            "\(head)\r\nHost: 127.0.0.1:\(running.server.port)\r\nConnection: close\r\n"
                + "Authorization: Bearer \(running.token)\r\n\r\n")
        let answer = client.rest()
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400"), "\(answer.prefix(100))")
    }

    @Test(arguments: [1, 7, 1_000])
    func `requests that arrive in pieces or together are read one by one`(_ size: Int) throws {
        let running = try Running()
        let body = #"{"id":"\#(FakeSet.id(0))","mark":"reject"}"#
        let common = "Host: 127.0.0.1:\(running.server.port)\r\nAuthorization: Bearer \(running.token)\r\n"
        var rest = Substring(
            "POST /api/marks HTTP/1.1\r\n\(common)Content-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                + "GET /api/marks HTTP/1.1\r\n\(common)Connection: close\r\n\r\n")
        let client = try RawClient(port: running.server.port)
        while !rest.isEmpty {
            client.send(String(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        let answers = client.rest().components(separatedBy: "HTTP/1.1 200 OK")
        #expect(answers.count == 3 && answers.last?.contains(FakeSet.id(0)) == true)
    }

    @Test func `pages of other origins cannot write`() throws {
        let running = try Running()
        let body = #"{"id":"\#(FakeSet.id(0))","mark":"reject"}"#
        let cookie = "Cookie: retort-\(running.server.port)=\(running.token)\r\n"
        func post(_ headers: String) throws -> Int {
            let client = try RawClient(port: running.server.port)
            client.send(
                "POST /api/marks HTTP/1.1\r\nHost: 127.0.0.1:\(running.server.port)\r\nConnection: close\r\n"
                    + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
            )
            return Int(client.rest().dropFirst(9).prefix(3)) ?? 0
        }
        #expect(try post(cookie + "Origin: http://evil.example\r\n") == 403)
        #expect(try post(cookie + "Origin: null\r\n") == 403)
        #expect(try post(cookie) == 403)
        #expect(try post("Origin: http://127.0.0.1:\(running.server.port)\r\n") == 403)
        #expect(try Marks(file: running.inspected.options.marks).entries.isEmpty)
        #expect(try post(cookie + "Origin: http://127.0.0.1:\(running.server.port)\r\n") == 200)
        #expect(try Marks(file: running.inspected.options.marks).entries.count == 1)
    }

    @Test func `two readers who mark at once lose nothing`() throws {
        let running = try Running()
        let second = try InspectorServer(running.inspected.options, thumbnails: Inspected.picture)
        second.prepare()
        defer { second.stop() }
        let secondToken = second.address.components(separatedBy: "token=").last ?? ""
        let doors = [(running.server.port, running.token), (second.port, secondToken)]
        DispatchQueue.concurrentPerform(iterations: 40) { number in
            let (port, token) = doors[number % 2]
            let body = #"{"id":"\#(FakeSet.id(number / 5 * 9 + number % 5))","mark":"reject"}"#
            guard let client = try? RawClient(port: port) else { return }
            client.send(
                "POST /api/marks HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\nAuthorization: Bearer \(token)\r\n"
                    + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            _ = client.rest()
        }
        #expect(try Marks(file: running.inspected.options.marks).all.count == 40)
        #expect(try running.inspected.site.marks.current().all.count == 40)
    }

    @Test func `connections are kept, and there is a limit to them`() throws {
        let running = try Running()
        let client = try RawClient(port: running.server.port)
        let request =
            "GET /api/marks HTTP/1.1\r\nHost: 127.0.0.1:\(running.server.port)\r\nAuthorization: Bearer \(running.token)\r\n"
        client.send(request + "\r\n" + request + "\r\n" + request + "Connection: close\r\n\r\n")
        #expect(client.rest().components(separatedBy: "HTTP/1.1 200 OK").count == 4)
        let idle = try (0..<HTTPLimits.connections + 8).map { _ in try RawClient(port: running.server.port) }
        let late = try RawClient(port: running.server.port)
        late.send(request + "Connection: close\r\n\r\n")
        var arrival = pollfd(fd: late.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&arrival, 1, 300) == 0, "a connection too many waits")
        for client in idle { close(client.descriptor) }
        #expect(late.rest().hasPrefix("HTTP/1.1 200"))
    }
}
