import Foundation
import TestSupport

/// A headless browser, driven over the WebDriver protocol by Debian's `chromium-driver`.
final class WebDriver {
    struct Problem: Error, CustomStringConvertible { let description: String }

    static let program = "/usr/bin/chromedriver"
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    private let process = Process()
    private let port: Int
    private var session = ""
    private let profile: TemporaryFolder

    init(width: Int = 1280, height: Int = 900) throws {
        profile = try TemporaryFolder()
        port = Int.random(in: 20_000..<30_000)
        process.executableURL = URL(filePath: Self.program)
        process.arguments = ["--port=\(port)", "--silent"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try wait("the driver") { (try? self.call("GET", "/status")) != nil }
        // Without a sandbox: tests run as root in containers, where Chromium has none.
        let options: [String: Any] = [
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=\(width),\(height)", "--user-data-dir=\(profile.url.path)",
            ],
        ]
        let capabilities: [String: Any] = [
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"],
        ]
        let value = try call("POST", "/session", ["capabilities": ["alwaysMatch": capabilities]])
        session = (value as? [String: Any])?["sessionId"] as? String ?? ""
    }

    deinit {
        _ = try? call("DELETE", "/session/\(session)")
        // Children of a thread pool inherit its blocked signals; this one cannot be blocked.
        kill(process.processIdentifier, SIGKILL)
    }

    func open(_ address: String) throws { _ = try command("POST", "/url", ["url": address]) }

    /// Shows pages as a screen of this size does; windows cannot be narrower than 500 pixels.
    func resize(width: Int, height: Int) throws {
        let parameters: [String: Any] = [
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true,
        ]
        _ = try command(
            "POST", "/goog/cdp/execute",
            ["cmd": "Emulation.setDeviceMetricsOverride", "params": parameters])
    }

    func address() throws -> String { try command("GET", "/url") as? String ?? "" }

    /// What a script returns.
    @discardableResult
    func run(_ script: String) throws -> Any? {
        try command("POST", "/execute/sync", ["script": script, "args": [Any]()])
    }

    func text(_ script: String) throws -> String { try run("return String(\(script))") as? String ?? "" }

    /// Presses keys, as a person does.
    func press(_ keys: String) throws {
        let actions = keys.flatMap { key in
            ["keyDown", "keyUp"].map { ["type": $0, "value": String(key)] }
        }
        _ = try command(
            "POST", "/actions", ["actions": [["type": "key", "id": "keyboard", "actions": actions]]])
    }

    /// Presses the pointer at one place, moves it to another, and lets go.
    func drag(from: (Double, Double), to: (Double, Double)) throws {
        func move(_ place: (Double, Double)) -> [String: Any] {
            [
                "type": "pointerMove", "duration": 20, "x": Int(place.0), "y": Int(place.1),
                "origin": "viewport",
            ]
        }
        let middle = ((from.0 + to.0) / 2, (from.1 + to.1) / 2)
        let actions: [[String: Any]] = [
            move(from), ["type": "pointerDown", "button": 0], move(middle), move(to),
            ["type": "pointerUp", "button": 0],
        ]
        let pointer: [String: Any] = [
            "type": "pointer", "id": "mouse", "parameters": ["pointerType": "mouse"], "actions": actions,
        ]
        _ = try command("POST", "/actions", ["actions": [pointer]])
    }

    /// What the page complained of: blocked resources, errors of scripts.
    func complaints() throws -> [String] {
        let entries = try command("POST", "/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return entries.compactMap { $0["message"] as? String }
    }

    /// Waits until a script's value is a text.
    func expect(_ script: String, _ value: String) throws {
        var last = ""
        do {
            try wait(script) {
                last = try self.text(script)
                return last == value
            }
        } catch { throw Problem(description: "\(script) is '\(last)', not '\(value)'") }
    }

    private func wait(_ what: String, _ isDone: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(120)
        while try !isDone() {
            guard .now < end else { throw Problem(description: "waited in vain for \(what)") }
            Thread.sleep(forTimeInterval: 0.03)
        }
    }

    private func command(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> Any? {
        try call(method, "/session/\(session)\(path)", body)
    }

    private func call(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> Any? {
        let sent = try body.map { try JSONSerialization.data(withJSONObject: $0) }
        let data = try RawClient.ask(method, path, port: port, body: sent)
        let value = (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["value"]
        if let failure = value as? [String: Any], let error = failure["error"] {
            throw Problem(description: "\(path): \(error): \(failure["message"] ?? "")")
        }
        return value
    }
}
