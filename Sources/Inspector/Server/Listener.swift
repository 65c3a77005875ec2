import Diagnostics
import Foundation
import Synchronization

/// A small HTTP/1.1 server on the loopback interface: one thread for each connection, everything bounded.
///
/// Retort is synchronous throughout, the clients are one person's browser, and what is wanted most is that every
/// limit is enforced: on header fields, bodies, connections and slow clients. That is a few hundred lines on
/// sockets, and no dependency.
final class Listener: Sendable {
    /// The port it listens on.
    let port: Int
    private let descriptor: Int32
    private let handle: @Sendable (Request) -> Response
    private let refuse: @Sendable (RequestProblem) -> Response
    private let open = Mutex<Set<Int32>>([])

    /// Takes a port of 127.0.0.1; 0 takes any that is free.
    init(
        port: Int, handle: @escaping @Sendable (Request) -> Response,
        refuse: @escaping @Sendable (RequestProblem) -> Response
    ) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.problem(port) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            let problem = Self.problem(port)
            close(descriptor)
            throw problem
        }
        self.descriptor = descriptor
        self.port = Int(UInt16(bigEndian: address.sin_port))
        self.handle = handle
        self.refuse = refuse
    }

    /// Accepts connections on a thread of its own, until ``stop()``.
    func start() {
        let thread = Thread { [self] in
            while let client = accept() { serve(client) }
        }
        thread.name = "inspector"
        thread.start()
    }

    /// Closes every socket; requests that are being answered are cut off.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        open.withLock { for client in $0 { shutdown(client, Int32(SHUT_RDWR)) } }
    }

    deinit { close(descriptor) }

    private func accept() -> Int32? {
        while true {
            let client = Foundation.accept(descriptor, nil, nil)
            if client >= 0 {
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                return client
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            // No descriptors or no memory: later there may be some.
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(50_000)
            default: return nil
            }
        }
    }

    private func serve(_ client: Int32) {
        let isWelcome = open.withLock { open in
            guard open.count < HTTPLimits.connections else { return false }
            open.insert(client)
            return true
        }
        guard isWelcome else {
            let problem = RequestProblem(.busy, "there are too many connections")
            _ = Connection(client).send(refuse(problem).bytes(closes: true), seconds: 1)
            close(client)
            return
        }
        let thread = Thread { [self] in
            converse(Connection(client))
            // Out of the set before it is closed: a new connection may get the same number.
            open.withLock { _ = $0.remove(client) }
            close(client)
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    private func converse(_ connection: Connection) {
        var reader = RequestReader { count, seconds throws(RequestProblem) in
            try connection.receive(count, seconds: seconds)
        }
        while true {
            do throws(RequestProblem) {
                guard let head = try reader.head() else { return }
                if head.bodyLength > 0, head.headers["expect"]?.lowercased() == "100-continue" {
                    guard connection.send(Data("HTTP/1.1 100 Continue\r\n\r\n".utf8), seconds: 5) else {
                        return
                    }
                }
                guard let body = try reader.body(of: head) else { return }
                let response: Response
                do throws(RequestProblem) {
                    response = handle(
                        try Request(head.method, head.target, headers: head.headers, body: body))
                } catch {
                    response = refuse(error)
                }
                let bytes = response.bytes(closes: head.closes, withBody: head.method != "HEAD")
                guard connection.send(bytes, seconds: HTTPLimits.responseSeconds), !head.closes else {
                    return
                }
            } catch {
                // After a head that could not be read, nobody knows where the next begins.
                if connection.send(refuse(error).bytes(closes: true), seconds: 2) { connection.drain() }
                return
            }
        }
    }

    private static func problem(_ port: Int) -> Diagnostic {
        let reason = String(cString: strerror(errno))
        return Diagnostic(
            port == 0
                ? "cannot listen on 127.0.0.1: \(reason)" : "cannot listen on 127.0.0.1:\(port): \(reason)",
            hint: "leave --port out to take any free port", exitCode: .unavailable)
    }
}

/// A connected socket whose every wait ends.
struct Connection: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// At most `count` bytes; nil at the end of the stream.
    func receive(_ count: Int, seconds: Double) throws(RequestProblem) -> Data? {
        guard wait(Int16(POLLIN), seconds) else {
            throw RequestProblem(.timeout, "the request did not arrive in time")
        }
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            let received = recv(descriptor, &buffer, count, 0)
            if received < 0 && errno == EINTR { continue }
            return received > 0 ? Data(buffer[..<received]) : nil
        }
    }

    /// Sends everything, or gives up after so many seconds.
    func send(_ data: Data, seconds: Double) -> Bool {
        let end = ContinuousClock.Instant.now + .seconds(seconds)
        return data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> Bool in
            var rest = bytes[...]
            while !rest.isEmpty {
                guard wait(Int16(POLLOUT), (end - .now) / .seconds(1)) else { return false }
                let sent = Foundation.send(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                if sent < 0 && (errno == EINTR || errno == EAGAIN) { continue }
                guard sent > 0 else { return false }
                rest = rest.dropFirst(sent)
            }
            return true
        }
    }

    /// Reads what the client still sends, for a moment: closing on unread bytes would reset the connection and
    /// take the response away from it.
    func drain() {
        shutdown(descriptor, Int32(SHUT_WR))
        let end = ContinuousClock.Instant.now + .seconds(1)
        var total = 0
        while total < 1 << 20, end > .now {
            let left = (end - .now) / .seconds(1)
            guard let data = try? receive(64 << 10, seconds: left) else { return }
            total += data.count
        }
    }

    private func wait(_ events: Int16, _ seconds: Double) -> Bool {
        let end = ContinuousClock.Instant.now + .seconds(max(0, seconds))
        while true {
            var poll = pollfd(fd: descriptor, events: events, revents: 0)
            let left = max(0, (end - .now) / .milliseconds(1))
            let ready = Foundation.poll(&poll, 1, Int32(min(left.rounded(.up), 1e6)))
            if ready < 0 && errno == EINTR { continue }
            return ready > 0
        }
    }
}
