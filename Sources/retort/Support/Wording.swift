import Foundation

/// Numbers as people read them.
enum Wording {
    /// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "?" }
        if seconds < 9.95 { return String(format: "%.1f s", seconds) }
        let whole = Int(min(seconds, 1e9).rounded())
        if whole < 100 { return "\(whole) s" }
        if whole < 3600 {
            return "\(whole / 60) min" + (whole < 600 ? String(format: " %02d s", whole % 60) : "")
        }
        return "\(whole / 3600) h " + String(format: "%02d min", whole % 3600 / 60)
    }

    /// `812 B`, `3.4 MB`, `12 GB`.
    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 999.5 {
                return unit == "B" || value >= 9.95
                    ? "\(Int(value.rounded())) \(unit)" : String(format: "%.1f \(unit)", value)
            }
            value /= 1000
        }
        return String(format: value < 9.95 ? "%.1f TB" : "%.0f TB", value)
    }

    /// Four significant digits, without an exponent where it can be helped.
    static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e6 { return String(Int(value)) }
        return String(format: "%.4g", value)
    }

    /// A setting's canonical value as one would write it: `["0.35","1.0"]` is `[0.35, 1.0]`.
    static func setting(_ canonical: String) -> String {
        guard canonical.hasPrefix("[") || canonical.hasPrefix("{") else { return canonical }
        return canonical.replacing("\",\"", with: ", ").replacing("\":\"", with: ": ").replacing(
            "\"", with: "")
    }

    /// `1 stage`, `3 stages`.
    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
