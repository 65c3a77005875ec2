internal import Foundation

/// Looks for signs of trouble in what a running stage says of itself, and says what helps.
///
/// It knows metrics by their names, as ``StageContext`` gets them: `data_wait` (a share), `images_per_second`, `tflops`, `loss`,
/// and what is better when it is higher: `val_…` and `…_accuracy`, `…_agreement`. Each sign is told once per execution.
struct StageWatch {
    /// The share of the time that may go into waiting for images.
    static let waitLimit = 0.3
    /// The part of the usual speed below which a stage is slow.
    static let speedLimit = 0.5
    /// The seconds for which a speed must stay as it is before it counts.
    static let patience = 60.0
    /// The losses that are needed to say that they do not fall, and the part of the way by which they should have.
    static let (fewestLosses, flatAfter) = (40, 0.25)
    /// The measurements in a row that must lie below the best one, and by how much.
    static let (fallenCount, fallenBy) = (3, 0.02)
    /// The free bytes below which a disk is about to be full; of a small one, its tenth.
    static let leastFree = 1_000_000_000

    private enum Sign: Hashable { case wait, slow, flat, falling, notFinite, disk }

    /// The bytes of a file system.
    struct Room {
        var free: Int
        var total: Int

        /// Those of the file system that a folder is on; nil where nobody can say.
        static func at(_ folder: String) -> Room? {
            var status = statvfs()
            guard statvfs(folder, &status) == 0 else { return nil }
            let block = Int(status.f_frsize)
            return Room(free: Int(status.f_bavail) * block, total: Int(status.f_blocks) * block)
        }
    }

    private let usual: () -> [Speed]
    /// Read when a stage first tells its speed: most never do.
    private var history: [Speed]?
    private let place: Speed
    private let room: () -> Room?
    private var told: Set<Sign> = []
    private var (waitsSince, slowSince, roomAsked): (Double?, Double?, Double?) = (nil, nil, nil)
    private var losses: [Double] = []
    private var fraction = 0.0
    private var isFlatnessKnown = false
    private var measured: [String: [(step: Int, value: Double)]] = [:]
    /// How fast the stage was when it last said so.
    private(set) var speed: Speed?

    /// Creates a watch.
    ///
    /// - Parameters:
    ///   - usual: tells how fast executions of the same kind of stage were.
    ///   - place: where this one takes place; its figures do not matter.
    ///   - room: the bytes of the store's file system.
    init(usual: @escaping () -> [Speed], place: Speed, room: @escaping () -> Room?) {
        self.usual = usual
        self.place = place
        self.room = room
    }

    /// The warnings that an event gives reason for.
    mutating func warnings(about event: StageEvent, now: Double) -> [StageEvent] {
        switch event {
        case .progress(let step, let total, let metrics):
            fraction = total > 0 ? Double(step) / Double(total) : 0
            let values = Dictionary(metrics.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            return [wait(values, now), slowness(values, now), fullness(now)].compactMap(\.self)
        case .metric(let step, let metric):
            return [finiteness(step, metric), flatness(metric), fall(step, metric)].compactMap(\.self)
        case .began:
            (losses, measured) = ([], [:])
            return []
        case .warning, .log: return []
        }
    }

    private mutating func tell(_ sign: Sign, _ message: String, _ hint: String) -> StageEvent? {
        told.insert(sign).inserted ? .warning(message: message, hint: hint) : nil
    }

    // MARK: Signs

    private mutating func wait(_ values: [String: Double], _ now: Double) -> StageEvent? {
        guard let share = values["data_wait"], share > Self.waitLimit else {
            if values["data_wait"] != nil { waitsSince = nil }
            return nil
        }
        waitsSince = waitsSince ?? now
        guard now - (waitsSince ?? now) >= Self.patience else { return nil }
        return tell(
            .wait, "\(Int((share * 100).rounded())) % of the time goes into waiting for images",
            "let more threads decode (--workers), store the images smaller or in larger shards, or put them on a faster disk"
        )
    }

    private mutating func slowness(_ values: [String: Double], _ now: Double) -> StageEvent? {
        guard let rate = values["images_per_second"], rate > 0 else { return nil }
        var speed = place
        (speed.imagesPerSecond, speed.teraflops) = (rate, values["tflops"] ?? 0)
        self.speed = speed
        let history = history ?? usual()
        self.history = history
        let alike = history.filter { $0.isAlike(speed) }.map(\.imagesPerSecond).sorted()
        guard !alike.isEmpty, rate < alike[alike.count / 2] * Self.speedLimit else {
            slowSince = nil
            return nil
        }
        slowSince = slowSince ?? now
        guard now - (slowSince ?? now) >= Self.patience else { return nil }
        return tell(
            .slow,
            "\(Self.number(rate)) images/s, where this machine did \(Self.number(alike[alike.count / 2])) with the like",
            "see what else uses its processors, memory or disk; 'retort doctor --bench' measures what it can do"
        )
    }

    private mutating func fullness(_ now: Double) -> StageEvent? {
        guard !told.contains(.disk), now - (roomAsked ?? -.infinity) >= 10 else { return nil }
        roomAsked = now
        guard let room = room(), room.free < min(Self.leastFree, room.total / 10) else { return nil }
        return tell(
            .disk, "only \(room.free / 1_000_000) MB are free where the store lies",
            "make room now: a full disk stops the stage; 'retort gc' shows what can go")
    }

    private mutating func finiteness(_ step: Int, _ metric: Metric) -> StageEvent? {
        guard !metric.value.isFinite else { return nil }
        return tell(
            .notFinite, "\(metric.name) is \(metric.value) at step \(step)",
            "a smaller learning rate, or 'precision: fp32', usually helps")
    }

    private mutating func flatness(_ metric: Metric) -> StageEvent? {
        guard metric.name == "loss", !isFlatnessKnown, metric.value.isFinite else { return nil }
        losses.append(metric.value)
        guard fraction >= Self.flatAfter, losses.count >= Self.fewestLosses else { return nil }
        isFlatnessKnown = true
        let quarter = losses.count / 4
        let (first, last) = (Spread(losses.prefix(quarter)), Spread(losses.suffix(quarter)))
        losses = []
        let fallen = first.mean - last.mean
        guard fallen < 0.01 * abs(first.mean), fallen < 2 * (first.error + last.error) else { return nil }
        return tell(
            .flat,
            "the loss has not fallen: \(Self.number(first.mean)) at the beginning, \(Self.number(last.mean)) of late",
            "the learning rate may be too small or too large, or the labels may not belong to the images")
    }

    private mutating func fall(_ step: Int, _ metric: Metric) -> StageEvent? {
        guard Self.isBetterWhenHigher(metric.name), metric.value.isFinite else { return nil }
        measured[metric.name, default: []].append((step, metric.value))
        let all = measured[metric.name] ?? []
        guard all.count > Self.fallenCount, let best = all.max(by: { $0.value < $1.value }) else {
            return nil
        }
        let margin = max(Self.fallenBy, 0.05 * abs(best.value))
        guard all.suffix(Self.fallenCount).allSatisfy({ $0.value < best.value - margin }) else { return nil }
        return tell(
            .falling,
            "\(metric.name) has fallen from \(Self.number(best.value)) (step \(best.step)) to \(Self.number(metric.value))",
            "a smaller learning rate, fewer steps, or 'patience' where the stage has it, keeps the best of it"
        )
    }

    private static func isBetterWhenHigher(_ name: String) -> Bool {
        let errors: Set = ["val_rmse", "val_abs_rel", "val_mean_angular_error", "val_median_angular_error"]
        return (name.hasPrefix("val_") && !errors.contains(name) && !name.hasSuffix("loss"))
            || name.hasSuffix("_accuracy") || name.hasSuffix("_agreement")
    }

    private static func number(_ value: Double) -> String { String(format: "%.3g", value) }

    /// A mean and its standard error.
    private struct Spread {
        var mean: Double
        var error: Double

        init(_ values: ArraySlice<Double>) {
            let count = Double(values.count)
            let mean = values.reduce(0, +) / count
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.mean = mean
            error = (squares / max(1, count - 1) / count).squareRoot()
        }
    }
}

/// How fast a stage looked at images, and where.
struct Speed: Codable, Hashable {
    var imagesPerSecond = 0.0
    /// Operations in a second, in units of 10¹².
    var teraflops = 0.0
    var host: String
    var device: String
    var threads: Int
    var processes: Int
    /// What the stage computed in, as its key says.
    var numerics: String

    /// Whether one may expect the speed of the other: at the same place, with a model of the same cost.
    func isAlike(_ other: Speed) -> Bool {
        guard imagesPerSecond > 0, other.imagesPerSecond > 0, host == other.host, device == other.device,
            threads == other.threads, processes == other.processes, numerics == other.numerics
        else { return false }
        let (own, theirs) = (teraflops / imagesPerSecond, other.teraflops / other.imagesPerSecond)
        return abs(own - theirs) <= 0.01 * max(own, theirs)
    }
}
