import Foundation
import Testing

@testable import Report

@Suite struct FormatTests {
    @Test(arguments: [
        (0, "0"), (999, "999"), (1_000, "1,000"), (20_999, "20,999"), (-1_234_567, "−1,234,567"),
    ])
    func `counts are grouped by thousands`(value: Int, text: String) {
        #expect(Format.count(value) == text)
    }

    @Test func `decimals are rounded and padded`() {
        #expect(Format.fixed(47.849, 1) == "47.8")
        #expect(Format.fixed(0.05, 3) == "0.050")
        #expect(Format.fixed(-0.04, 1) == "0.0")
        #expect(Format.fixed(1_999.96, 1) == "2,000.0")
        #expect(Format.fixed(.nan, 1) == "–")
        #expect(Format.fixed(-.infinity, 1) == "–")
    }

    @Test func `differences always carry their sign`() {
        #expect(Format.points(0.058) == "+5.8")
        #expect(Format.points(-0.002) == "−0.2")
        #expect(Format.points(0.0001) == "0.0")
    }

    @Test(arguments: [
        (0.84, "0.8 s"), (42, "42 s"), (60, "1 min"), (1_880, "31 min 20 s"), (7_512, "2 h 5 min"), (-1, "–"),
    ])
    func `durations are read at a glance`(seconds: Double, text: String) {
        #expect(Format.duration(seconds) == text)
    }

    @Test(arguments: [
        (0, "0"), (1_500, "1,500"), (0.0005, "5e-4"), (0.6931, "0.6931"), (3.14159, "3.14"),
        (23_456.7, "23.5k"),
    ])
    func `metrics of any size stay short`(value: Double, text: String) {
        #expect(Format.short(value) == text)
    }

    @Test func `coordinates have no needless digits`() {
        #expect(
            [1, 1.5, 1.25, 1.254, -0.5, 1.05].map(Format.coordinate) == [
                "1", "1.5", "1.25", "1.25", "-0.5", "1.05",
            ])
        #expect(Format.coordinate(.nan) == "0")
    }

    @Test func `moments are in UTC`() {
        #expect(Format.moment(Date(timeIntervalSince1970: 1_795_230_052)) == "2026-11-21 03:00 UTC")
    }
}
