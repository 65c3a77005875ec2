import Diagnostics
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// How much a client may send, and how long it may take.
enum HTTPLimits {
    /// Bytes of a target: path and query.
    static let target = 4 << 10
    /// Bytes of all header fields together.
    static let head = 16 << 10
    /// Header fields.
    static let fields = 64
    /// Bytes of a body.
    static let body = 64 << 10
    /// Bytes of a body that holds a picture.
    static let picture = 16 << 20
    /// Connections at a time, of which browsers open six; more wait for their turn.
    static let connections = 32
    /// Seconds after which a connection without a complete request is closed.
    static let idleSeconds: Int64 = 30
}

/// Hummingbird on the loopback interface: the inspector's handlers see requests, and give responses.
///
/// Handlers read files and decode images, so they block. They run on the threads of an executor of their own,
/// and neither hold up the event loops nor need any thread of Swift's shared pool.
final class Listener: Sendable {
    private let threads = BlockingThreads()
    private let server = Mutex<ServiceGroup?>(nil)
    private let bound = Mutex<Result<Int, any Error>?>(nil)

    /// Takes a port of 127.0.0.1, 0 for any that is free, and serves until ``stop()``.
    init(
        port: Int, handle: @escaping @Sendable (Request) -> Response,
        refuse: @escaping @Sendable (RequestProblem) -> Response
    ) throws {
        guard 0...65_535 ~= port else {
            throw Diagnostic("\(port) is no port", hint: "leave --port out to take any free port")
        }
        let isBound = DispatchSemaphore(value: 0)
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in
                await Self.answer(request, handle, refuse)
            },
            server: .http1(configuration: Self.connections),
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(HTTPLimits.connections)),
            onServerRunning: { [self] channel in
                bound.withLock { $0 = .success(channel.localAddress?.port ?? port) }
                isBound.signal()
            },
            logger: Logger(label: "inspector") { _ in SwiftLogNoOpLogHandler() })
        // Shut down gracefully and never cancelled: a connection that is being accepted at that moment would be lost,
        // which NIO takes for a bug of the program.
        let group = ServiceGroup(services: [application], logger: application.logger)
        server.withLock { $0 = group }
        Task(executorPreference: threads) { [self] in
            do {
                try await group.run()
            } catch {
                bound.withLock { $0 = $0 ?? .failure(error) }
                isBound.signal()
            }
        }
        isBound.wait()
        if case .failure(let error) = bound.withLock({ $0 }) {
            throw Diagnostic(
                port == 0
                    ? "cannot listen on 127.0.0.1: \(error)" : "cannot listen on 127.0.0.1:\(port): \(error)",
                hint: "leave --port out to take any free port", exitCode: .unavailable)
        }
    }

    /// The port it listens on.
    var port: Int {
        guard case .success(let port) = bound.withLock({ $0 }) else { return 0 }
        return port
    }

    /// Takes no further requests; those that are being answered still are.
    func stop() {
        guard let group = server.withLock({ $0 }) else { return }
        Task(executorPreference: threads) { await group.triggerGracefulShutdown() }
    }

    private static var connections: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            idleTimeout: .seconds(HTTPLimits.idleSeconds),
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: HTTPLimits.head, maxHeaderListSize: HTTPLimits.head,
                maxHeaderFieldCount: HTTPLimits.fields))
    }

    private static func answer(
        _ incoming: Hummingbird.Request, _ handle: (Request) -> Response,
        _ refuse: (RequestProblem) -> Response
    ) async -> Hummingbird.Response {
        do throws(RequestProblem) {
            return handle(try await Request(incoming)).outgoing(to: incoming)
        } catch {
            return refuse(error).outgoing(to: incoming)
        }
    }
}

/// As many threads as there are blocked tasks, within the limits of Dispatch.
private final class BlockingThreads: TaskExecutor {
    private let queue = DispatchQueue(label: "inspector", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension Request {
    /// What arrived, once all of it is there.
    fileprivate init(_ incoming: Hummingbird.Request) async throws(RequestProblem) {
        guard incoming.method == .get || incoming.method == .head || incoming.method == .post else {
            throw RequestProblem(.notAllowed, "\(incoming.method.rawValue) is not served here")
        }
        var headers: [String: String] = ["host": incoming.head.authority ?? ""]
        for field in incoming.headers {
            // Twice the same field is allowed by few of them, and by none that matters here.
            guard
                headers.updateValue(field.value, forKey: field.name.canonicalName) == nil
                    || field.name == .accept
            else { throw RequestProblem(.badRequest, "the header field '\(field.name)' occurs twice") }
        }
        let limit = incoming.uri.path == "/search" ? HTTPLimits.picture : HTTPLimits.body
        guard Int(headers["content-length"] ?? "0") ?? .max <= limit,
            let body = try? await incoming.body.collect(upTo: limit)
        else {
            throw RequestProblem(.tooLarge, "the body is longer than \(limit >> 10) KB, or did not arrive")
        }
        try self.init(
            incoming.method.rawValue, incoming.head.path ?? "", headers: headers,
            body: Data(body.readableBytesView))
    }
}

extension Response {
    fileprivate func outgoing(to request: Hummingbird.Request) -> Hummingbird.Response {
        var fields = HTTPFields()
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        let outgoing = Hummingbird.Response(
            status: HTTPResponse.Status(code: status.rawValue, reasonPhrase: status.phrase), headers: fields,
            body: status == .notModified ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        return request.method == .head ? outgoing.createHeadResponse() : outgoing
    }
}
