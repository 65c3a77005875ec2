internal import Foundation

/// A process, named so that another one on the same or another machine can tell whether it still lives.
public struct ProcessOwner: Codable, Hashable, Sendable {
    /// The machine's name.
    public var host: String
    /// The machine's boot: process ids start over with each.
    public var boot: String
    /// The process id.
    public var pid: Int32
    /// When the process started, in the kernel's ticks: process ids are used again.
    public var birth: String
    /// When the process last said that it is alive, ISO 8601 in UTC.
    public var heartbeat: String
    /// The namespace that the process id belongs to: containers on one machine count for themselves.
    public var namespace: String?
    /// Whether the process holds a lock that lies beside this (``LifeSign``); nil where it was not to hold one.
    public var holdsLock: Bool?

    /// This process, now.
    static func current() -> ProcessOwner {
        ProcessOwner(
            host: hostName, boot: bootIdentifier, pid: getpid(), birth: birth(of: getpid()) ?? "",
            heartbeat: timestamp(), namespace: currentNamespace)
    }

    /// Whether the process lives; nil when it is on another machine, or in another container, and nobody here can know.
    public var isAlive: Bool? {
        guard host == Self.hostName else { return nil }
        if isOfThisBoot, let namespace, namespace != Self.currentNamespace { return nil }
        guard isOfThisBoot, let birth = Self.birth(of: pid) else { return false }
        return birth == self.birth
    }

    /// Whether the process began on this machine since it was started.
    var isOfThisBoot: Bool { !boot.isEmpty && boot == Self.bootIdentifier }

    private static let currentNamespace = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/ns/pid")

    static let hostName: String = {
        // Foundation's host name may ask the network.
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return name.withUnsafeBufferPointer { $0.baseAddress.map(String.init(cString:)) ?? "" }
    }()
    private static let bootIdentifier =
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?.trimmed ?? ""

    private static func birth(of pid: Int32) -> String? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return nil }
        // The start time is field 22; what follows the name, which may hold spaces, begins with field 3.
        let fields = text[name...].split(separator: " ")
        return fields.count > 20 ? String(fields[20]) : nil
    }
}
