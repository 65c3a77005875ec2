public import Foundation
import Stages

/// What a run shows about learning from experts: every arm that did, at every probe, beside the arm that did not.
///
/// A claim is not to be read without how wrong the experts are and what became of the zero-shot accuracy, so it holds both.
public struct ExpertClaims {
    typealias Group = Stages.EvaluationFigures.Group
    typealias Versus = Stages.EvaluationFigures.Versus

    /// One arm beside its control.
    struct Claim {
        var arm: String
        var control: String
        /// What both began with, the CLIP before; nil where it was not measured.
        var start: String?
        var measures: [Measure] = []
        var experts: [Expert] = []
        var zeroShots: [ZeroShot] = []
    }

    /// One metric of one probe.
    struct Measure {
        var probe: String
        var metric: String
        var lowerIsBetter: Bool
        /// Whether it is the first metric of its probe.
        var isDecisive: Bool
        var start: Group?
        var control: Group
        var arm: Group
        var versus: Versus
    }

    /// What an arm learned from, and how wrong that is.
    struct Expert {
        var source: ClaimEvidence.Source
        var error: ExpertError?
    }

    /// How wrong an expert is, by the first metric of its task, beside what can be reached without looking.
    struct ExpertError {
        var metric: String
        var value: Double
        /// The node that measured it.
        var node: String
        var floor: Double?
    }

    /// Classes by their names, before and after.
    struct ZeroShot {
        var node: String
        var start: Group?
        var control: Group
        var arm: Group
        var versus: Versus
    }

    /// The arms, in the order in which the probes list them.
    private(set) var claims: [Claim] = []
    /// How the probes order all arms, whether experts taught them or not.
    let order: ArmOrder?

    /// Finds the claims among the artifacts of a run.
    public init(_ artifacts: [(node: String, folder: URL)]) {
        var evidence = ClaimEvidence(artifacts)
        order = ArmOrder(evidence.probes)
        for (probe, figures) in evidence.probes {
            for (position, comparison) in figures.comparisons.enumerated() {
                for arm in comparison.groups {
                    guard let versus = arm.versus,
                        let control = comparison.groups.first(where: { $0.name == versus.baseline }),
                        let model = figures.models.first(where: { $0.group == arm.name })?.node,
                        let place = claim(about: arm.name, control.name, model: model, &evidence)
                    else { continue }
                    let start = claims[place].start
                    claims[place].measures.append(
                        Measure(
                            probe: probe, metric: comparison.metric, lowerIsBetter: comparison.lowerIsBetter,
                            isDecisive: position == 0, start: comparison.groups.first { $0.name == start },
                            control: control, arm: arm, versus: versus))
                }
            }
        }
    }

    /// The place of the claim about an arm, which is begun here; nil for an arm that no expert taught.
    private mutating func claim(
        about arm: String, _ control: String, model: String, _ evidence: inout ClaimEvidence
    ) -> Int? {
        if let known = claims.firstIndex(where: { $0.arm == arm && $0.control == control }) { return known }
        let sources = evidence.sources(of: model)
        guard !sources.isEmpty else { return nil }
        var claim = Claim(arm: arm, control: control, start: evidence.start(of: model))
        claim.experts = sources.map { Expert(source: $0, error: evidence.error(of: $0)) }
        claim.zeroShots = evidence.clips.compactMap { node, figures in
            guard let groups = figures.zeroShotGroups, let own = groups.first(where: { $0.name == arm }),
                let versus = own.versus, versus.baseline == control,
                let reference = groups.first(where: { $0.name == control })
            else { return nil }
            return ZeroShot(
                node: node, start: groups.first { $0.name == claim.start }, control: reference, arm: own,
                versus: versus)
        }
        claims.append(claim)
        return claims.count - 1
    }
}
