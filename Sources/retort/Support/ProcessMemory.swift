import Foundation

/// What the system says of this process's memory.
enum ProcessMemory {
    /// The most memory that was resident at a time, mapped files included; 0 where that is not known.
    static var peakBytes: Int { bytes("VmHWM") }

    /// The memory that is resident now and belongs to no file; 0 where that is not known.
    static var anonymousBytes: Int { bytes("RssAnon") }

    private static func bytes(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        let number = line?.split(whereSeparator: { !$0.isNumber }).first
        return number.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    }
}
