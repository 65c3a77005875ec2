import Engine
import Foundation

/// A number that a stage told, as trackers of experiments want it.
struct Measurement: Hashable, Sendable {
    var node: String
    var name: String
    var value: Double
    var step: Int
    /// Milliseconds since 1970.
    var time: Int
}

/// Picks the numbers out of a run's events: measured values, how training looks, and what artifacts record.
///
/// Progress is reported at every step; of that, a measurement a second is kept for each node, and nothing of what the
/// node records by itself, as progress repeats the last record.
struct RunMeasurements {
    private var recorded: [String: Set<String>] = [:]
    private var lastProgress: [String: ContinuousClock.Instant] = [:]
    private var lastStep: [String: Int] = [:]

    /// The finite numbers of one event.
    mutating func measurements(in event: RunEvent) -> [Measurement] {
        let time = Int(Date().timeIntervalSince1970 * 1000)
        func measurement(_ node: String, _ name: String, _ value: Double, _ step: Int) -> Measurement? {
            value.isFinite ? Measurement(node: node, name: name, value: value, step: step, time: time) : nil
        }
        switch event {
        case .stage(let node, .metric(let step, let metric)):
            lastStep[node] = max(step, lastStep[node] ?? 0)
            recorded[node, default: []].insert(metric.name)
            return [measurement(node, metric.name, metric.value, step)].compactMap { $0 }
        case .stage(let node, .progress(let step, let total, let metrics)):
            lastStep[node] = max(step, lastStep[node] ?? 0)
            let now = ContinuousClock.now
            if let last = lastProgress[node], now - last < .seconds(1), step < total { return [] }
            lastProgress[node] = now
            return metrics.filter { recorded[node]?.contains($0.name) != true }
                .compactMap { measurement(node, $0.name, $0.value, step) }
        case .stageEnded(let node, let result):
            guard result.state == .ran, let artifact = result.artifact,
                let record = try? ArtifactRecord.read(at: URL(filePath: artifact))
            else { return [] }
            let step = lastStep[node] ?? 0
            var numbers = record.facts.compactMapValues(\.double)
            for (name, count) in record.counts { numbers[name] = Double(count) }
            numbers["seconds"] = record.timings.seconds
            return numbers.sorted { $0.key < $1.key }.compactMap {
                measurement(node, $0.key, $0.value, step)
            }
        default: return []
        }
    }
}

/// Passes every event on to several sinks, in order.
struct EventFan: EventSink {
    let sinks: [any EventSink]

    func receive(_ event: RunEvent) {
        for sink in sinks { sink.receive(event) }
    }
}
