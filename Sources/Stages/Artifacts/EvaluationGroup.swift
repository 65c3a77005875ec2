public import Training

extension EvaluationFigures {
    /// The seeds of one arm.
    public struct Group: Codable, Hashable, Sendable {
        /// The arm's name.
        public var name: String
        /// The accuracy of each seed.
        public var values: [Double]
        /// Their mean.
        public var mean: Double
        /// The 95 % interval of the mean over seeds; absent with one seed.
        public var ci95: [Double]?
        /// The paired difference to the baseline arm, seed by seed.
        public var versus: Versus?
    }

    /// A paired difference between two arms.
    public struct Versus: Codable, Hashable, Sendable {
        /// The arm compared with.
        public var baseline: String
        /// The mean difference in accuracy.
        public var difference: Double
        /// Its 95 % interval over seeds; absent with one seed.
        public var ci95: [Double]?
        /// What that interval says; absent in evaluations of earlier versions.
        public var verdict: DifferenceVerdict?
        /// Whether both arms do equally well for practical purposes, where a margin was given.
        public var tost: EquivalenceTest?

        /// The verdict in a word or two: `better`, `worse` or `not resolved`.
        public var verdictName: String { verdict?.rawValue ?? "–" }
        /// What the test of equivalence says, in words.
        public var equivalence: String? { tost?.description }
        /// Whether that test shows both arms to be equivalent; nil without one.
        public var isEquivalent: Bool? { tost.map { $0.verdict == .equivalent } }
    }
}

extension EvaluationFigures.Group {
    /// Every arm with its mean and interval over seeds, and its difference from the baseline where it has as many seeds.
    ///
    /// - Parameter margin: the largest difference that does not matter, for a test of equivalence.
    static func all(
        _ arms: [(name: String, values: [Double])], baseline: String?, lowerIsBetter: Bool = false,
        margin: Double? = nil
    ) -> [EvaluationFigures.Group] {
        let reference = arms.first { $0.name == baseline }
        return arms.map { arm in
            let interval = Interval(arm.values)
            var group = EvaluationFigures.Group(
                name: arm.name, values: arm.values, mean: interval.mean, ci95: interval.ci95)
            if let reference, arm.name != reference.name,
                let difference = Interval(paired: arm.values, minus: reference.values)
            {
                group.versus = .init(
                    baseline: reference.name, difference: difference.mean, ci95: difference.ci95,
                    verdict: DifferenceVerdict(of: difference, lowerIsBetter: lowerIsBetter),
                    tost: margin.map { EquivalenceTest(of: difference, margin: $0) })
            }
            return group
        }
    }
}
