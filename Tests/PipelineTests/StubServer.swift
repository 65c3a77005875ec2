import Foundation
import Synchronization

/// A server on this machine that notes what it is asked, and answers as a test wants it to.
final class StubServer: Sendable {
    /// A request: what is asked for, and the JSON that came with it.
    struct Request: Sendable {
        var path: String
        var body: String

        func json() -> [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
        }
    }

    /// The port it listens at.
    let port: Int
    private let descriptor: Int32
    private let answer: @Sendable (Request) -> (status: Int, body: String)
    private let seen = Mutex<[Request]>([])

    init(_ answer: @escaping @Sendable (Request) -> (status: Int, body: String)) throws {
        self.answer = answer
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let open = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(open, $0, size) == 0 && listen(open, 64) == 0 && getsockname(open, $0, &size) == 0
            }
        }
        guard isListening else { throw CocoaError(.fileReadUnknown) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { break }
                serve(connection)
                close(connection)
            }
            close(descriptor)
        }.start()
    }

    /// What was asked until now, in order.
    var requests: [Request] { seen.withLock { $0 } }

    /// Takes no more requests.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            data += buffer[..<count]
            guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { continue }
            let head = String(decoding: data[..<end.lowerBound], as: UTF8.self)
            let length = head.lowercased().firstMatch(of: /content-length: *(\d+)/).flatMap {
                Int($0.output.1)
            }
            let body = data[end.upperBound...]
            guard body.count >= length ?? 0 else { continue }
            let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
            let request = Request(path: path, body: String(decoding: body, as: UTF8.self))
            seen.withLock { $0.append(request) }
            let (status, text) = answer(request)
            let reply =
                "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
            _ = Array(reply.utf8).withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            return
        }
    }
}
