import Foundation

@testable import Report

/// A run folder with every file the reports read, the same bytes each time; nothing in it was computed.
struct FakeRun {
    let root: URL
    var classes = [
        "apple", "bicycle", "bottle", "bus", "chair", "clock", "cloud", "cup", "dolphin", "forest",
        "keyboard", "lamp",
        "leopard", "mountain", "mushroom", "orchid", "rabbit", "rocket", "sea", "tractor",
    ]
    var queriesPerClass = 8
    var perQuery = 5
    let seeds = 3
    private var random = FakeNumbers()

    init(at root: URL) { self.root = root }

    static let arms = ["scratch", "agnostic", "oriented-random", "oriented-best", "oriented-balanced"]
    static let curations = ["random", "best", "balanced"]

    /// Writes every artifact and describes the run that made them.
    mutating func write() throws -> ReportedRun {
        var nodes: [ReportedRun.Node] = []
        nodes.append(try data("target", counts: ["images": 3_200]))
        nodes.append(try data("pool", counts: ["images": 20_999, "quarantined": 2]))
        nodes.append(
            try checkpoint(
                "vfm", "pretrain", inputs: ["pool"], at: 2, seconds: 240, state: .cached, final: 0.61))
        nodes.append(
            try checkpoint(
                "teacher", "fine-tune", inputs: ["vfm", "target"], at: 2, seconds: 196, final: 0.692))
        nodes.append(
            try plain("embed", "embed", ["vfm", "pool", "target"], at: 198, seconds: 112, kind: "embeddings"))
        nodes.append(try plain("index", "index", ["embed"], at: 310, seconds: 3, kind: "index"))
        var clock = 313.0
        for (number, strategy) in Self.curations.enumerated() {
            nodes.append(try curate("curate-\(strategy)", shift: [0.18, 0.02, 0][number], at: clock))
            clock += 6
        }
        let sources = [
            [], ["curate-balanced", "vfm"], ["curate-random"], ["curate-best"], ["curate-balanced"],
        ]
        for (arm, inputs) in zip(Self.arms, sources) {
            for seed in 0..<seeds {
                if arm != "scratch" {
                    let teacher = arm == "agnostic" ? [] : ["teacher"]
                    nodes.append(
                        try checkpoint(
                            "distill-\(arm)[seed=\(seed)]", "distill", inputs: inputs + teacher, at: clock,
                            seconds: 84,
                            final: 0.36 + 0.02 * Double(inputs.count) + 0.004 * Double(seed)))
                    clock += 84
                }
                let start = arm == "scratch" ? ["target"] : ["distill-\(arm)[seed=\(seed)]", "target"]
                nodes.append(
                    try checkpoint(
                        "student-\(arm)[seed=\(seed)]", "fine-tune", inputs: start, at: clock, seconds: 31,
                        final: 0.42 + 0.004 * Double(seed)))
                clock += 31
            }
        }
        nodes.append(
            try evaluation(students: nodes.map(\.name).filter { $0.hasPrefix("student-") }, at: clock))
        return ReportedRun(
            id: "20261121T030052Z-k3f9", pipeline: "real-classification", outcome: .succeeded,
            started: Self.start,
            seconds: clock + 24, nodes: nodes,
            commands: [
                "retort run Pipelines/real-classification.yaml -s vars.data=data",
                "retort report 20261121T030052Z-k3f9",
                "retort inspect curate-balanced --static inspect/",
            ],
            configuration: Self.configuration,
            environment: [
                .init("machine", "2 × Intel Xeon, 24 GB"), .init("device", "cpu, 2 threads"),
                .init("libtorch", "2.13.0"),
                .init("numerics", "cpu-fp32"), .init("retort", "0.1.0"),
            ],
            gates: [
                .init("curate-balanced.leakage.exact == 0", passed: true, found: "0"),
                .init("eval.top1 >= 0.5", passed: false, found: "0.478"),
            ],
            problems: ["data-wait was 34 % in distill-agnostic: raise `workers` or use smaller shards"])
    }

    static let start = Date(timeIntervalSince1970: 1_795_230_052)

    // MARK: Artifacts

    private func data(_ name: String, counts: [String: Int]) throws -> ReportedRun.Node {
        let url = try folder(name)
        try record(url, node: name, stage: "imagefolder", kind: "images", seconds: 4, counts: counts)
        return ReportedRun.Node(
            name: name, stage: "imagefolder", state: .cached, reason: "files unchanged", artifact: url)
    }

    private func plain(
        _ name: String, _ stage: String, _ inputs: [String], at start: Double, seconds: Double, kind: String
    ) throws -> ReportedRun.Node {
        let url = try folder(name)
        try record(url, node: name, stage: stage, kind: kind, seconds: seconds)
        return ReportedRun.Node(
            name: name, stage: stage, state: .ran, reason: "no artifact has this key",
            started: Self.start.addingTimeInterval(start), seconds: seconds, artifact: url, inputs: inputs)
    }

    private mutating func checkpoint(
        _ name: String, _ stage: String, inputs: [String], at start: Double, seconds: Double,
        state: ReportedRun.Node.State = .ran, final: Double
    ) throws -> ReportedRun.Node {
        let url = try folder(name)
        var lines: [String] = []
        for step in stride(from: 0, through: 1_500, by: 25) {
            let progress = Double(step) / 1_500
            let loss = 2.9 * exp(-2.2 * progress) + 1.4 - 2 * final + 0.25 * random.unit()
            let rate = 0.001 * 0.5 * (1 + cos(Double.pi * progress))
            lines.append(metric(step, "loss", loss))
            lines.append(metric(step, "lr", rate))
            if step.isMultiple(of: 250) {
                lines.append(
                    metric(step, "val_top1", final * (1 - exp(-4 * progress)) + 0.01 * random.unit()))
            }
        }
        try write(lines, to: url.appending(path: "metrics.jsonl"))
        try record(
            url, node: name, stage: stage, kind: "checkpoint", seconds: seconds,
            counts: ["parameters": 181_844],
            facts: #"{"coverage": "all 158 tensors", "precision": "fp32", "val_top1": \#(final)}"#)
        return ReportedRun.Node(
            name: name, stage: stage, state: state,
            reason: state == .cached ? "key unchanged" : "epochs 20 → 30",
            started: state == .cached ? nil : Self.start.addingTimeInterval(start),
            seconds: state == .cached ? nil : seconds, artifact: url, inputs: inputs,
            settings: [.init("epochs", "30"), .init("batch_size", "64"), .init("learning_rate", "0.001")])
    }

    private mutating func curate(_ name: String, shift: Double, at start: Double) throws -> ReportedRun.Node {
        let url = try folder(name)
        var rows: [String] = []
        var queries: [String] = []
        for (label, className) in classes.enumerated() {
            for number in 0..<queriesPerClass {
                let query = "target/train/\(className)/\(String(1000 + number).dropFirst()).png"
                var neighbours: [String] = []
                for rank in 0..<(perQuery + 20) {
                    let similarity = 0.93 - shift - 0.012 * Double(rank) - 0.12 * random.unit()
                    let source = "pool/pool-00000\(rank % 9).tar#\(random.below(2_000)).jpg"
                    let id = random.hex()
                    let isSelected = rank < perQuery || (rank == perQuery + 1 && number.isMultiple(of: 3))
                    neighbours.append(
                        #"{"id":"\#(id)","source":"\#(source)","similarity":\#(similarity),"rank":\#(rank + 1),"selected":\#(isSelected)}"#
                    )
                    guard isSelected else { continue }
                    let size = rank.isMultiple(of: 4) ? 32 : 64
                    rows.append(
                        #"{"id":"\#(id)","source":"\#(source)","dataset":"pool","member":"\#(source.dropFirst(5))","width":\#(size),"height":\#(size),"query":"q\#(label)-\#(number)","query_class":"\#(className)","rank":\#(rank + 1),"similarity":\#(similarity),"reason":"rank \#(rank + 1) of its query"}"#
                    )
                }
                queries.append(
                    #"{"id":"q\#(label)-\#(number)","source":"\#(query)","class":"\#(className)","label":\#(label),"neighbours":[\#(neighbours.joined(separator: ","))]}"#
                )
            }
        }
        try write(rows, to: url.appending(path: "transfer-set.jsonl"))
        try write(queries, to: url.appending(path: "queries.jsonl"))
        try write(classes, to: url.appending(path: "classes.txt"))
        try write(
            [
                #"[{"step":"pool","kept":20999,"dropped":2,"note":"two files could not be decoded"},"#,
                #"{"step":"candidates","kept":11840,"dropped":9159,"note":"among the 20 nearest of some query"},"#,
                #"{"step":"unique","kept":11612,"dropped":228},{"step":"leakage","kept":11561,"dropped":51,"note":"equal or near to val or test"},"#,
                #"{"step":"dedup","kept":10420,"dropped":1141,"note":"nearer than 0.95 to a better one"},{"step":"final","kept":\#(rows.count),"dropped":\#(10_420 - rows.count)}]"#,
            ], to: url.appending(path: "funnel.json"))
        let steps = ["unique", "leakage", "dedup", "final"]
        let reasons = ["same bytes", "near duplicate of test", "near duplicate", "no query needed it"]
        try write(
            (0..<200).map { number in
                let step = steps[number % 4]
                return
                    #"{"id":"\#(random.hex())","source":"pool/pool-000003.tar#\#(number).jpg","step":"\#(step)","reason":"\#(reasons[number % 4])","other":"target/test/apple/004.png","similarity":\#(0.95 + 0.05 * random.unit())}"#
            }, to: url.appending(path: "dropped.jsonl"))
        try write([similarity(shift)], to: url.appending(path: "similarity.json"))
        let pairs = (0..<9).map { number in
            #"{"id":"\#(random.hex())","source":"pool/pool-000001.tar#\#(number).jpg","other":"target/test/bus/00\#(number).png","similarity":\#(0.95 + 0.005 * Double(number)),"split":"test","tier":"\#(number < 2 ? "exact" : number < 6 ? "perceptual" : "embedding")"}"#
        }
        try write(
            [
                #"{"exact":0,"perceptual":0,"embedding":0,"threshold":0.95,"calibration":{"method":"m","quantile":0.99,"images":2400,"median":0.8,"largest":0.99},"#,
                #""excluded":[\#(pairs.prefix(6).joined(separator: ","))],"queued":[\#(pairs.suffix(3).joined(separator: ","))],"accepted":[]}"#,
            ],
            to: url.appending(path: "leakage.json"))
        let excluded = ["val", "test"].map {
            #"{"name":"exclude","node":"target","selector":"\#($0)","kind":"images","key":"k","digest":"d"}"#
        }
        try record(
            url, node: name, stage: "curate", kind: "transfer-set", seconds: 5,
            counts: ["images": rows.count],
            inputs: excluded.joined(separator: ","))
        return ReportedRun.Node(
            name: name, stage: "curate", state: .ran, reason: "input embed has another digest",
            started: Self.start.addingTimeInterval(start), seconds: 5.2, artifact: url,
            inputs: ["index", "embed", "target"],
            settings: [.init("strategy", "query-balanced"), .init("size", "800")])
    }

    private func similarity(_ shift: Double) -> String {
        let edges = (0...40).map { Double($0) / 40 }
        let bell = { (centre: Double, width: Double, total: Double) in
            edges.dropLast().map { edge in
                Int((total * exp(-pow((edge + 0.0125 - centre) / width, 2))).rounded())
            }
        }
        return
            #"{"edges":\#(edges),"selected":\#(bell(0.82 - shift, 0.06, 150)),"candidates":\#(bell(0.64, 0.11, 1_400)),"random_pool":\#(bell(0.45, 0.12, 180)),"test":\#(bell(0.78, 0.1, 210))}"#
    }

    private mutating func evaluation(students: [String], at start: Double) throws -> ReportedRun.Node {
        let url = try folder("eval")
        let means = [
            "scratch": 0.417, "agnostic": 0.436, "oriented-random": 0.459, "oriented-best": 0.462,
            "oriented-balanced": 0.478,
        ]
        let confusion = classes.indices.map { truth in
            classes.indices.map { prediction in
                truth == prediction
                    ? 34 + random.below(32)
                    : (prediction + 3 * truth).isMultiple(of: 7) ? random.below(16) : random.below(4)
            }
        }
        let perClass = zip(classes, classes.indices).map { name, index in
            #""\#(name)":\#(Double(confusion[index][index]) / Double(confusion[index].reduce(0, +)))"#
        }
        let bins = (1...14).map { bin in
            #"{"confidence":\#(Double(bin) / 15 + 0.03),"accuracy":\#(Double(bin) / 18 + 0.05),"count":\#(30 + 190 / bin + 4 * bin)}"#
        }
        var groups: [String] = []
        var models: [String] = []
        for arm in Self.arms {
            let mean = means[arm] ?? 0
            let values = (0..<seeds).map { mean + [-0.007, 0.002, 0.005][$0 % 3] }
            let versus =
                arm == "scratch"
                ? ""
                : #","versus":{"baseline":"scratch","difference":\#(mean - 0.417),"ci95":[\#(mean - 0.417 - 0.021),\#(mean - 0.417 + 0.021)]}"#
            groups.append(
                #"{"name":"\#(arm)","values":\#(values),"mean":\#(mean),"ci95":[\#(mean - 0.0155),\#(mean + 0.0155)]\#(versus)}"#
            )
            for (seed, value) in values.enumerated() {
                models.append(
                    #"{"node":"student-\#(arm)[seed=\#(seed)]","group":"\#(arm)","metrics":{"n":2000,"top1":\#(value),"balanced_accuracy":\#(value - 0.001),"nll":1.92,"ece":0.081,"confusion":\#(confusion),"per_class":{\#(perClass.joined(separator: ","))},"reliability":[\#(bins.joined(separator: ","))]}}"#
                )
            }
        }
        let names = classes.map { #""\#($0)""# }.joined(separator: ",")
        try write(
            [
                #"{"top1":0.478,"balanced_accuracy":0.477,"n":2000,"nll":1.92,"ece":0.081,"classes":[\#(names)],"per_class":{\#(perClass.joined(separator: ","))},"#,
                #""confusion":\#(confusion),"floor":{"majority":0.05,"random":0.05},"ceiling":{"name":"teacher","top1":0.692},"#,
                #""models":[\#(models.joined(separator: ","))],"groups":[\#(groups.joined(separator: ","))],"reliability":[\#(bins.joined(separator: ","))]}"#,
            ], to: url.appending(path: "metrics.json"))
        try write(
            (0..<300).map { number in
                let label = number % classes.count
                let prediction = number.isMultiple(of: 3) ? (label + 7) % classes.count : label
                return
                    #"{"id":"\#(random.hex())","source":"target/test/\#(classes[label])/\#(number).png","label":\#(label),"prediction":\#(prediction),"confidence":\#(0.3 + 0.69 * random.unit()),"model":"student-oriented-balanced[seed=0]"}"#
            }, to: url.appending(path: "predictions.jsonl"))
        try record(url, node: "eval", stage: "evaluate", kind: "evaluation", seconds: 22)
        return ReportedRun.Node(
            name: "eval", stage: "evaluate", state: .ran, reason: "input models has another digest",
            started: Self.start.addingTimeInterval(start), seconds: 22, artifact: url,
            inputs: students + ["target", "teacher"])
    }

    // MARK: Files

    private func folder(_ name: String) throws -> URL {
        let url = root.appending(path: "store/\(name)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    private func write(_ lines: [String], to file: URL) throws {
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
    }

    private func metric(_ step: Int, _ name: String, _ value: Double) -> String {
        #"{"stage":"s","step":\#(step),"time":0,"name":"\#(name)","value":\#(value)}"#
    }

    private func record(
        _ url: URL, node: String, stage: String, kind: String, seconds: Double, counts: [String: Int] = [:],
        facts: String = "{}", inputs: String = ""
    ) throws {
        let digest = String(repeating: "9f3a", count: 16)
        let counts = counts.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }.joined(
            separator: ",")
        try write(
            [
                #"{"format":1,"kind":"\#(kind)","node":"\#(node)","stage":"\#(stage)","revision":1,"key":"\#(digest)","components":{},"#,
                #""inputs":[\#(inputs)],"counts":{\#(counts)},"facts":\#(facts),"timings":{"started":"2026-11-21T03:00:52Z","finished":"2026-11-21T03:04:52Z","seconds":\#(seconds)},"#,
                #""files":[{"path":"content.bin","bytes":734003,"sha256":"\#(digest)","role":"content"}],"digest":"\#(digest)","retort":"0.1.0"}"#,
            ], to: url.appending(path: "artifact.json"))
    }

    private static let configuration = """
        retort: 1
        name: real-classification
        data:
          target: {kind: imagefolder, root: data/target_cls}
          pool:   {kind: webdataset, shards: "data/pool/pool-{000000..000010}.tar"}
        stages:
          teacher: {uses: fine-tune, model: vfm, train: target.train, val: target.val, batch_norm: frozen}
          curate-balanced: {uses: curate, index: index, queries: target.train, strategy: query-balanced}
        """
}

/// Numbers that look random and never change (SplitMix64).
struct FakeNumbers {
    private var state: UInt64 = 2

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var x = state
        x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
        return x ^ (x >> 31)
    }

    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func hex() -> String {
        (0..<2).map { _ in
            let text = String(next(), radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }
}
