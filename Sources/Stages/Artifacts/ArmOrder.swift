internal import Training

/// How several evaluations order the same arms: the mean rank of each, and how far evaluations of one task agree.
public struct ArmOrder {
    /// One arm.
    public struct Place {
        /// The arm.
        public var name: String
        /// The mean of its ranks; 1 is best.
        public var meanRank: Double
        /// Its rank in each evaluation.
        public var ranks: [Double]
    }

    /// Two evaluations of one task, such as probes with different heads.
    public struct Agreement {
        /// Their nodes.
        public var first, second: String
        /// Kendall's τ-b between their orders.
        public var tau: Double
    }

    /// The nodes of the evaluations.
    public let evaluations: [String]
    /// The arms that every evaluation has, best first.
    public let places: [Place]
    /// Every two evaluations of one task.
    public let agreements: [Agreement]

    /// Orders the arms by the metric of each evaluation that decides; nil where fewer than three arms are in all of two or
    /// more evaluations.
    public init?(_ evaluations: [(node: String, figures: TaskEvaluationFigures)]) {
        let compared = evaluations.compactMap { node, figures in
            figures.comparisons.first.map { (node: node, task: figures.task, comparison: $0) }
        }
        guard compared.count > 1 else { return nil }
        let arms = compared[0].comparison.groups.map(\.name).filter { name in
            compared.allSatisfy { $0.comparison.groups.contains { $0.name == name } }
        }
        guard arms.count > 2 else { return nil }
        // Less is better in all of them.
        let costs = compared.map { evaluation in
            arms.map { name in
                let mean = evaluation.comparison.groups.first { $0.name == name }?.mean ?? 0
                return evaluation.comparison.lowerIsBetter ? mean : -mean
            }
        }
        let ranks = costs.map(RankCorrelation.ranks)
        self.evaluations = compared.map(\.node)
        places = arms.indices.map { arm in
            let own = ranks.map { $0[arm] }
            return Place(name: arms[arm], meanRank: own.reduce(0, +) / Double(own.count), ranks: own)
        }.sorted { ($0.meanRank, $0.name) < ($1.meanRank, $1.name) }
        agreements = compared.indices.flatMap { one in
            compared.indices.filter { $0 > one && compared[$0].task == compared[one].task }.compactMap {
                other in
                RankCorrelation.kendall(costs[one], costs[other]).map {
                    Agreement(first: compared[one].node, second: compared[other].node, tau: $0)
                }
            }
        }
    }
}
