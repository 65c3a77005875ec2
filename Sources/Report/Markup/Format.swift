package import Foundation

/// Numbers, durations and dates as people read them; the same everywhere, whatever the machine's locale.
package enum Format {
    /// A number with a fixed count of decimals; `–` when it is not a finite number.
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        let scale = pow(10, Double(decimals))
        let scaled = (abs(value) * scale).rounded()
        let sign = value < 0 && scaled > 0 ? "−" : ""
        let whole = Int(scaled / scale)
        guard decimals > 0 else { return sign + count(whole) }
        let fraction = String(Int(scaled - Double(whole) * scale))
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return "\(sign)\(count(whole)).\(zeros)\(fraction)"
    }

    /// A fraction as per cent: `47.5 %`.
    package static func percent(_ fraction: Double, _ decimals: Int = 1) -> String {
        "\(fixed(fraction * 100, decimals))\u{202F}%"
    }

    /// A difference of fractions in percentage points, always with its sign: `+5.8`.
    package static func points(_ difference: Double) -> String {
        let text = fixed(difference * 100, 1)
        return difference > 0 && text != "0.0" ? "+\(text)" : text
    }

    /// An interval of fractions in per cent: `46.6–48.4`.
    package static func interval(_ interval: Interval) -> String {
        "\(fixed(interval.low * 100, 1))–\(fixed(interval.high * 100, 1))"
    }

    /// An interval of differences in points: `+4.4 to +7.2`.
    package static func difference(_ interval: Interval) -> String {
        "\(points(interval.low)) to \(points(interval.high))"
    }

    /// A whole number with thousands separated: `20,999`.
    package static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var grouped = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position).isMultiple(of: 3) { grouped += "," }
            grouped.append(digit)
        }
        return (value < 0 ? "−" : "") + grouped
    }

    /// A number of any size with about four significant digits, for chart labels and tables of metrics.
    package static func short(_ value: Double) -> String {
        let size = abs(value)
        guard value.isFinite else { return "–" }
        if value == 0 { return "0" }
        if value == value.rounded(), size < 1e6 { return fixed(value, 0) }
        switch size {
        case ..<0.001:
            let exponent = Int(log10(size).rounded(.down))
            return "\(trimmed(value / pow(10, Double(exponent)), 1))e\(exponent)"
        case ..<1: return trimmed(value, 4)
        case ..<100: return trimmed(value, 2)
        case ..<10_000: return trimmed(value, 1)
        case ..<1_000_000: return "\(trimmed(value / 1_000, 1))k"
        default: return "\(trimmed(value / 1_000_000, 1))M"
        }
    }

    /// A duration: `0.8 s`, `42 s`, `31 min 20 s`, `2 h 5 min`.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        if seconds < 9.95 { return "\(fixed(seconds, 1)) s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3_600 {
            return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s"
        }
        return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
    }

    /// A size in bytes: `3.4 MB`.
    package static func bytes(_ count: Int) -> String {
        switch count {
        case ..<1_000: "\(count) B"
        case ..<1_000_000: "\(trimmed(Double(count) / 1e3, 1)) kB"
        case ..<1_000_000_000: "\(trimmed(Double(count) / 1e6, 1)) MB"
        default: "\(trimmed(Double(count) / 1e9, 1)) GB"
        }
    }

    /// A moment in UTC to the minute: `2026-11-21 03:00 UTC`.
    package static func moment(_ date: Date) -> String {
        let text = date.formatted(.iso8601)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }

    /// `1 image`, `2 images`.
    package static func plural(_ number: Int, _ noun: String, _ plural: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// A chart coordinate: two decimals at most, none that say nothing.
    package static func coordinate(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let hundredths = Int((value * 100).rounded())
        let whole = hundredths.magnitude / 100
        let fraction = hundredths.magnitude % 100
        let sign = hundredths < 0 ? "-" : ""
        if fraction == 0 { return "\(sign)\(whole)" }
        return fraction % 10 == 0
            ? "\(sign)\(whole).\(fraction / 10)" : "\(sign)\(whole).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    private static func trimmed(_ value: Double, _ decimals: Int) -> String {
        var text = Substring(fixed(value, decimals))
        guard text.contains(".") else { return String(text) }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return String(text)
    }
}

/// A closed interval of numbers, `[low, high]` in JSON.
package struct Interval: Hashable, Sendable, Decodable {
    package var low: Double
    package var high: Double

    package init(_ low: Double, _ high: Double) {
        self.low = low
        self.high = high
    }

    package init(from decoder: any Decoder) throws {
        var ends = try decoder.unkeyedContainer()
        low = try ends.decode(Double.self)
        high = try ends.decode(Double.self)
    }

    package func contains(_ value: Double) -> Bool { low <= value && value <= high }
}
