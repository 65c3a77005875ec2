import Engine
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        ("800", 800), ("0", 0), ("812 B", 812), ("5kB", 5000), ("1.5 gb", 1_500_000_000), ("4GiB", 4 << 30),
        ("0.5KiB", 512),
    ])
    func `a size`(_ text: String, _ bytes: Int) { #expect(Quantity.bytes(text) == bytes) }

    @Test(arguments: [
        ("90", 90.0), ("90s", 90), ("250ms", 0.25), ("30min", 1800), ("2m", 120), ("12h", 43200),
        ("1d", 86400), ("2w", 1_209_600),
    ])
    func `a length of time`(_ text: String, _ seconds: Double) { #expect(Quantity.seconds(text) == seconds) }

    @Test(arguments: ["", "GB", "-1GB", "-1s", "nan", "inf", "infs", "4 parsecs", "1e300TB"])
    func `neither`(_ text: String) {
        #expect(Quantity.bytes(text) == nil)
        if text != "1e300TB" { #expect(Quantity.seconds(text) == nil) }
    }
}
