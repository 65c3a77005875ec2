import Stages

/// Every metric of every evaluation in several runs, with the differences from the first of them.
struct MeasureRows {
    private(set) var rows: [RunComparison.Measure] = []
    /// The evaluations that were not made on the same images.
    private(set) var incomparable: [String] = []

    init(_ runs: [ComparedRun]) {
        for (title, names) in RunComparison.aligned(runs.map { $0.evaluations.map(\.node) }) {
            let evaluations = zip(runs, names).map { run, name in
                run.evaluations.first { $0.node == name }
            }
            let present = evaluations.compactMap(\.self)
            let isComparable =
                Set(present.map(\.measuredOn)).count <= 1 && Set(present.map(\.images)).count <= 1
            if !isComparable { incomparable.append(title) }
            add(title, evaluations, isComparable)
        }
    }

    private mutating func add(_ title: String, _ evaluations: [MeasuredEvaluation?], _ isComparable: Bool) {
        let arms = RunComparison.aligned(evaluations.map { $0?.arms ?? [] })
        var seen: Set<String> = []
        let metrics = evaluations.flatMap { $0?.metrics ?? [] }.filter { seen.insert($0.name).inserted }
        for metric in metrics {
            for (arm, names) in arms {
                let values = zip(evaluations, names).map { evaluation, name in
                    evaluation?.metrics.first { $0.name == metric.name }?.arms[name ?? ""]
                }
                guard values.contains(where: { $0 != nil }) else { continue }
                let reference = isComparable ? values[0] : nil
                rows.append(
                    .init(
                        evaluation: title, metric: metric.name, lowerIsBetter: metric.lowerIsBetter, arm: arm,
                        figures: values.enumerated().map { number, values in
                            Self.figure(values, number == 0 ? nil : reference)
                        }))
            }
        }
    }

    private static func figure(
        _ values: [String: Double]?, _ reference: [String: Double]?
    ) -> RunComparison.Figure? {
        guard let values, !values.isEmpty else { return nil }
        let seeds = SeedInterval(values.sorted { $0.key < $1.key }.map(\.value))
        return .init(seeds: seeds, difference: reference.flatMap { difference(values, $0, seeds.mean) })
    }

    /// The difference seed by seed, where seeds pair; else that of the means, without an interval.
    private static func difference(
        _ values: [String: Double], _ reference: [String: Double], _ mean: Double
    ) -> RunComparison.Difference? {
        guard !reference.isEmpty else { return nil }
        let pairs = values.keys.sorted().compactMap { point in
            reference[point].map { (values[point] ?? 0) - $0 }
        }
        guard !pairs.isEmpty else {
            let other = reference.values.reduce(0, +) / Double(reference.count)
            return .init(mean: mean - other, ci95: nil, pairs: 0)
        }
        let interval = SeedInterval(pairs)
        return .init(mean: interval.mean, ci95: interval.ci95, pairs: pairs.count)
    }
}
