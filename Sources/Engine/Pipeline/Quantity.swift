/// Sizes and lengths of time as people write them, in pipeline files and on the command line.
public enum Quantity {
    private static let byteUnits: KeyValuePairs<String, Double> = [
        "KiB": 0x1p10, "MiB": 0x1p20, "GiB": 0x1p30, "TiB": 0x1p40, "kB": 1e3, "MB": 1e6, "GB": 1e9,
        "TB": 1e12, "B": 1,
    ]
    private static let timeUnits: KeyValuePairs<String, Double> = [
        "min": 60, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800,
    ]

    /// Reads a size: `4GiB`, `500MB`, `50 gb`, `1000000`; nothing else, and no negative one.
    public static func bytes(_ text: String) -> Int? {
        number(text, byteUnits).flatMap { Int(exactly: $0.rounded()) }
    }

    /// Reads a length of time: `90`, `90s`, `30min`, `12h`, `2d`, `1w`; nothing else, and no negative one.
    public static func seconds(_ text: String) -> Double? { number(text, timeUnits) }

    private static func number(_ text: String, _ units: KeyValuePairs<String, Double>) -> Double? {
        let lowercased = text.lowercased()
        let unit = units.first { lowercased.hasSuffix($0.key.lowercased()) }
        guard let number = Double(text.dropLast(unit?.key.count ?? 0).trimmed), number >= 0, number.isFinite
        else { return nil }
        let product = number * (unit?.value ?? 1)
        return product.isFinite ? product : nil
    }
}
