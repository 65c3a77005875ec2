import Stages

/// What came of a run in two sentences: the result with its interval, and the cost.
struct Verdict {
    /// A stretch of text, emphasised or not.
    struct Phrase {
        var text: String
        var isStrong = false
    }

    private(set) var phrases: [Phrase] = []

    init(of contents: RunContents) {
        let run = contents.run
        switch run.outcome {
        case .failed, .interrupted, .died: stopped(run)
        case .running: add("The run is under way", " since \(Format.duration(run.seconds)). ")
        case .succeeded:
            if let evaluation = contents.decisive {
                result(evaluation.files.metrics)
            } else if let claim = contents.claims.claims.first {
                result(claim)
            } else if let (node, miou) = contents.intersectionOverUnion {
                add("The mean intersection over union is \(miou)", ", as measured by ‘\(node)’. ")
            } else if let evaluation = contents.taskEvaluations.last {
                result(evaluation.figures.comparisons, of: evaluation.node)
            } else if let evaluation = contents.clipEvaluations.last {
                result(evaluation.figures.comparisons ?? [], of: evaluation.node)
            } else {
                add("All stages are complete", "; the pipeline evaluates nothing. ")
            }
        }
        cost(contents)
    }

    /// The sentences without emphasis.
    var text: String { phrases.map(\.text).joined() }

    var markup: Markup {
        HTML.p(.class("verdict")) {
            for phrase in phrases {
                if phrase.isStrong { HTML.strong { phrase.text } } else { phrase.text }
            }
        }
    }

    /// Adds an emphasised stretch and what follows it.
    private mutating func add(_ strong: String, _ rest: String) {
        phrases.append(Phrase(text: strong, isStrong: true))
        phrases.append(Phrase(text: rest))
    }

    private mutating func stopped(_ run: ReportedRun) {
        let word = [.failed: "failed", .died: "died"][run.outcome] ?? "was interrupted"
        let culprit = [.failed, .interrupted, .running].lazy.compactMap { state in
            run.nodes.first { $0.state == state }
        }
        .first
        if culprit == nil, let gate = run.gates.first(where: { $0.passed == false }) {
            let found = gate.found.map { ", which found \($0)" } ?? ""
            add("The run \(word) at its gate \(gate.text)", found + ". ")
            return
        }
        guard let culprit else {
            add("The run \(word)", " before a stage began. ")
            return
        }
        let reason = culprit.error.map { ": \(String($0.split(separator: "\n").first ?? ""))" } ?? ""
        add("The run \(word) at \(culprit.name)", reason + ". ")
    }

    private mutating func result(_ metrics: EvaluationMetrics) {
        guard let best = metrics.bestGroup, let groups = metrics.groups else {
            if let top1 = metrics.figures.top1 {
                add("Top-1 accuracy is \(Format.percent(top1))", sample(metrics))
            }
            return
        }
        let seeds = Format.plural(best.values.count, "seed")
        let interval = best.ci95.map { "95 % CI \(Format.interval($0)), " } ?? ""
        add("\(best.name)", " reaches ")
        add(
            "\(Format.percent(best.mean)) top-1",
            " (\(interval)\(seeds); best of \(Format.plural(groups.count, "arm")))")
        if let versus = best.versus {
            compare(versus, seeds)
        } else if let baseline = groups.compactMap(\.versus?.baseline).first, baseline == best.name {
            phrases.append(Phrase(text: ": no arm beats the baseline. "))
        } else {
            phrases.append(Phrase(text: ". "))
        }
    }

    /// How many probes decide for an arm that experts taught, and what is needed to judge that.
    private mutating func result(_ claim: ExpertClaims.Claim) {
        add("\(claim.arm) is \(claim.tally)", " (\(claim.seeds)). ")
        let rest = (claim.expertTexts + claim.zeroShotTexts).joined(separator: "; ")
        phrases.append(Phrase(text: rest + ". "))
    }

    /// The metric that decides, with the best arm, the direction in which it is best, and what shows that it is.
    private mutating func result(_ comparisons: [TaskEvaluationFigures.Comparison], of node: String) {
        guard let comparison = comparisons.first, let best = comparison.best else { return }
        let groups = comparison.groups
        let facts = [
            comparison.lowerIsBetter ? "lower is better" : "higher is better",
            comparison.floor.map { "\(Format.short($0)) without looking" },
            Format.plural(best.values.count, "seed"),
            groups.count > 1 ? "the best mean of \(Format.plural(groups.count, "arm"))" : nil,
        ]
        add(
            "\(best.name) has \(comparison.metric) \(Format.short(best.mean))",
            " (\(facts.compactMap(\.self).joined(separator: ", "))), as measured by ‘\(node)’")
        phrases.append(Phrase(text: Self.standing(of: best, among: groups)))
    }

    /// How far the best arm is known to be better than the one that others are compared with.
    private static func standing(
        of best: Stages.EvaluationFigures.Group, among groups: [Stages.EvaluationFigures.Group]
    ) -> String {
        guard groups.count > 1 else { return ". " }
        guard let versus = best.versus else {
            let isBaseline = groups.contains { $0.versus?.baseline == best.name }
            return isBaseline ? ": no arm has a better mean than the baseline. " : ". "
        }
        let sign = versus.difference > 0 ? "+" : ""
        let difference = "\(sign)\(Format.short(versus.difference)) against \(versus.baseline)"
        guard let ends = versus.ci95 else {
            return ", \(difference): without an interval, nothing is shown. "
        }
        let interval = "(95 % CI \(Format.short(ends[0])) to \(Format.short(ends[1])))"
        let isResolved = ends[0] > 0 || ends[1] < 0
        return isResolved
            ? ", \(difference) \(interval). "
            : ", \(difference): a difference that \(Format.plural(best.values.count, "seed")) do not resolve \(interval). "
    }

    private mutating func compare(_ versus: EvaluationMetrics.Group.Comparison, _ seeds: String) {
        let difference = "\(Format.points(versus.difference)) points"
        guard let interval = versus.ci95 else {
            phrases.append(Phrase(text: ", \(difference) against \(versus.baseline), without an interval. "))
            return
        }
        if interval.contains(0) {
            phrases.append(
                Phrase(
                    text:
                        ", \(difference) against \(versus.baseline): a difference that \(seeds) do not resolve "
                        + "(95 % CI \(Format.difference(interval))). "))
        } else {
            phrases.append(Phrase(text: ", "))
            add(difference, " against \(versus.baseline) (95 % CI \(Format.difference(interval))). ")
        }
    }

    private mutating func cost(_ contents: RunContents) {
        let run = contents.run
        let worked = run.nodes.filter { $0.seconds != nil && $0.state != .cached }.count
        let cached = run.nodes.filter { $0.state == .cached }.count
        let open = run.nodes.filter { !$0.state.isDone }.count
        var text = "The run took \(Format.duration(run.seconds)) for \(Format.plural(worked, "stage"))"
        if worked == 0 { text = "No stage had to run" }
        if cached > 0 {
            text +=
                worked == 0 ? ": all \(cached) came from the store" : "; \(cached) more came from the store"
            text += " (\(Format.duration(contents.totalSeconds)) of work in all)"
        }
        if open > 0 { text += "; \(open) of \(Format.plural(run.nodes.count, "stage")) are not complete" }
        phrases.append(Phrase(text: text + "."))
    }

    private func sample(_ metrics: EvaluationMetrics) -> String {
        metrics.n.map { " on \(Format.plural($0, "image")). " } ?? ". "
    }
}
