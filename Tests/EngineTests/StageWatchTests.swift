import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct StageWatchTests {
    private static let place = Speed(
        host: "here", device: "cpu", threads: 2, processes: 1, numerics: "fp32")

    private func watch(usual: [Speed] = [], free: Int = 1 << 40) -> StageWatch {
        StageWatch(
            usual: { usual }, place: Self.place, room: { StageWatch.Room(free: free, total: 1 << 41) })
    }

    private func progress(_ step: Int, of total: Int = 1000, _ values: [String: Double]) -> StageEvent {
        .progress(step: step, total: total, metrics: values.map { Metric(name: $0.key, value: $0.value) })
    }

    /// What is said at each of some moments.
    private func said(_ watch: inout StageWatch, _ events: [(Double, StageEvent)]) -> [String] {
        events.flatMap { now, event in
            watch.warnings(about: event, now: now).map { warning in
                guard case .warning(let message, let hint?) = warning else { return "?" }
                return "\(Int(now)): \(message) — \(hint)"
            }
        }
    }

    @Test func `waiting for images is told once, when it has lasted`() {
        var watch = watch()
        let shares = [0.9, 0.2, 0.5, 0.5, 0.42, 0.6, 0.6]
        let events = shares.enumerated().map { (Double($0 * 30), progress($0 + 1, ["data_wait": $1])) }
        #expect(
            said(&watch, events) == [
                "120: 42 % of the time goes into waiting for images — let more threads decode (--workers), store the "
                    + "images smaller or in larger shards, or put them on a faster disk"
            ])
    }

    @Test func `a speed is compared with that of the like on this machine`() {
        func speed(_ rate: Double, operations: Double = 0.001, threads: Int = 2) -> Speed {
            var speed = Self.place
            (speed.imagesPerSecond, speed.teraflops, speed.threads) = (rate, rate * operations, threads)
            return speed
        }
        // A larger model and more threads are not the like.
        let usual = [speed(100), speed(120), speed(9, operations: 0.1), speed(900, threads: 8), speed(110)]
        func events(_ rate: Double) -> [(Double, StageEvent)] {
            (0..<5).map {
                (Double($0 * 30), progress($0 + 1, ["images_per_second": rate, "tflops": rate * 0.001]))
            }
        }
        var (slow, fine, unknown) = (watch(usual: usual), watch(usual: usual), watch())
        #expect(
            said(&slow, events(54)) == [
                "60: 54 images/s, where this machine did 110 with the like — see what else uses its processors, memory "
                    + "or disk; 'retort doctor --bench' measures what it can do"
            ])
        #expect(said(&fine, events(56)) == [])
        #expect(said(&unknown, events(1)) == [])
        #expect(unknown.speed == speed(1))
    }

    @Test func `a loss that does not fall is told, one that does is not`() {
        func events(_ loss: (Int) -> Double) -> [(Double, StageEvent)] {
            (1...60).flatMap { row in
                [
                    (Double(row), progress(row * 10, [:])),
                    (Double(row), .metric(step: row * 10, Metric(name: "loss", value: loss(row)))),
                ]
            }
        }
        let noise = (1...60).map { 0.2 * sin(Double($0) * 12.9898) }
        var (flat, falling, slowly) = (watch(), watch(), watch())
        let warnings = said(&flat, events { 2.3 + noise[$0 - 1] })
        #expect(warnings.count == 1)
        #expect(warnings[0].hasPrefix("40: the loss has not fallen: 2.3"), "\(warnings)")
        #expect(said(&falling, events { 2.3 * exp(-Double($0) / 40) + noise[$0 - 1] }) == [])
        #expect(said(&slowly, events { 2.3 - 0.005 * Double($0) }) == [])
        // Two trainings, one after the other: the second begins where the first began.
        var parts = watch()
        let two = events { 2.3 - 0.01 * Double(($0 - 1) % 30) }
        #expect(said(&parts, two[..<60] + [(30, .began("the second"))] + two[60...]) == [])
    }

    @Test func `a probe that falls and a value that is no number are told`() {
        var watch = watch()
        let values = [0.3, 0.55, 0.61, 0.56, 0.6, 0.52, 0.5, 0.48, 0.4]
        let probes = values.enumerated().map { number, value in
            (Double(number), StageEvent.metric(step: number * 100, Metric(name: "val_top1", value: value)))
        }
        #expect(
            said(&watch, probes) == [
                "7: val_top1 has fallen from 0.61 (step 200) to 0.48 — a smaller learning rate, fewer steps, or "
                    + "'patience' where the stage has it, keeps the best of it"
            ])
        let errors = [1.0, 0.5, 0.2, 0.1, 0.1].map {
            StageEvent.metric(step: 1, Metric(name: "val_rmse", value: $0))
        }
        #expect(said(&watch, errors.map { (0, $0) }) == [])
        let bad = StageEvent.metric(step: 30, Metric(name: "val_kl", value: .nan))
        #expect(
            said(&watch, [(9, bad), (10, bad)]) == [
                "9: val_kl is nan at step 30 — a smaller learning rate, or 'precision: fp32', usually helps"
            ])
    }

    @Test func `a disk that is nearly full is told`() {
        var watch = watch(free: 700_000_000)
        let events = (1...9).map { (Double($0 * 7), progress($0, [:])) }
        #expect(
            said(&watch, events) == [
                "7: only 700 MB are free where the store lies — make room now: a full disk stops the stage; 'retort gc' "
                    + "shows what can go"
            ])
    }

    @Test func `warnings reach the journal with their stage, and speeds are remembered`() throws {
        let bench = try Bench()
        let sink = RecordingSink()
        let result = try bench.run("data world: splits\nt: troubled data=world.train", sink: sink)
        #expect(result.ok)
        #expect(sink.messages == ["val_top1 is inf at step 2"])
        let warnings = try RunHistory(bench.store).events(of: result.run).filter { $0.event == "warning" }
        #expect(warnings.map(\.stage) == ["t"])
        #expect(warnings.map(\.hint) == ["a smaller learning rate, or 'precision: fp32', usually helps"])
        let graph = try bench.graph("data world: splits\nt: troubled data=world.train")
        let history = NodeHistory(bench.store, pipeline: graph.spec.name)
        #expect(history.speeds(of: "troubled").map(\.imagesPerSecond) == [64])
        // A run that finds everything in the store knows no speed, and forgets none.
        try bench.run(graph)
        #expect(history.speeds(of: "troubled").map(\.teraflops) == [0.5])
    }
}
