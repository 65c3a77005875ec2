import Foundation
import Report
import TestSupport
import Testing

@testable import Inspector

@Suite struct AuditTests {
    @Test func `the interval is Wilson's`() throws {
        // 81 of 90, as R's prop.test without correction has it.
        let interval = try #require(AuditedShare(yes: 81, no: 9).interval)
        #expect(abs(interval.low - 0.8208) < 0.002 && abs(interval.high - 0.9460) < 0.002)
        #expect(AuditedShare().interval == nil)
        let sure = try #require(AuditedShare(yes: 5).interval)
        #expect(sure.high == 1 && abs(sure.low - 0.5655) < 0.001)
    }

    @Test func `every beginning of the sample has its share of each stratum`() throws {
        let inspected = try Inspected { $0.queriesPerClass = 40 }
        let sample = try inspected.site.sample(seed: 0)
        #expect(Set(sample.rows).count == inspected.site.set.table.count)
        for length in [50, 100, 300] {
            var counts = [Int](repeating: 0, count: AuditSample.strata)
            for stratum in sample.stratum.prefix(length) { counts[stratum] += 1 }
            #expect(counts.allSatisfy { abs($0 - length / 10) <= 1 }, "\(counts)")
        }
        #expect(try inspected.site.sample(seed: 1).rows != sample.rows)
        let similarities = inspected.site.set.table.similarities
        for (row, stratum) in zip(sample.rows, sample.stratum) where stratum == 9 {
            #expect(similarities[row] >= similarities.sorted()[similarities.count * 9 / 10 - 1])
        }
    }

    @Test func `answers are kept, counted and taken back`() throws {
        let inspected = try Inspected()
        let form = ["content-type": "application/x-www-form-urlencoded"]
        let sample = try inspected.site.sample(seed: 0)
        let ids = try sample.rows.prefix(4).map { try inspected.site.set.table.image($0).id }
        for (id, answer) in zip(ids, ["yes", "yes", "no", "unsure"]) {
            #expect(try inspected.get("/audit").bodyText.contains("data-image=\"\(id)\""))
            #expect(try inspected.post("/audit", "id=\(id)&answer=\(answer)", form).status == .seeOther)
        }
        let page = try inspected.get("/audit").bodyText
        #expect(page.contains("data-yes=\"2\"") && page.contains("data-no=\"1\"") && page.contains("n = 3"))
        #expect(try inspected.post("/audit", "undo=\(ids[2])", form).status == .seeOther)
        let undone = try inspected.get("/audit").bodyText
        #expect(undone.contains("data-no=\"0\"") && undone.contains("data-image=\"\(ids[2])\""))
        #expect(try inspected.post("/audit", "id=nowhere&answer=yes", form).status == .badRequest)
    }
}

@Suite struct FiguresTests {
    @Test func `a threshold leaves what a plain count leaves`() throws {
        let set = try Inspected().site.set
        let before = Balance(set, rows: 0..<set.table.count)
        #expect(before.gini == 0 && abs(before.effective - 12) < 1e-9 && before.mean == 5)
        for threshold in [0.0, 0.8, 0.83, 0.86, 2.0] {
            let outcome = ThresholdOutcome(set, threshold: threshold, before: before)
            let kept = set.table.similarities.count { Double($0) >= Double(Float(threshold)) }
            #expect(outcome.kept == kept && outcome.dropped == set.table.count - kept)
            #expect(outcome.balance.perClass.map(\.count).reduce(0, +) == kept)
        }
        #expect(ThresholdOutcome(set, threshold: 2, before: before).orphaned == 12)
    }

    @Test func `two sets differ by what only one of them has`() throws {
        let inspected = try Inspected()
        let difference = try #require(inspected.site.difference)
        // Shifted by one rank: each of twelve queries loses its first image and gains another.
        #expect(
            difference.common == 48 && difference.onlyLeft.count == 12 && difference.onlyRight.count == 12)
        #expect(abs(difference.jaccard - 48.0 / 72) < 1e-12)
        #expect(difference.perClass.map(\.common) == [16, 16, 16])
        #expect(abs(try #require(difference.shift)) < 1e-6)
        let comparison = try CurationComparison(
            inspected.fake.folder, inspected.folder.appending("store/other"))
        #expect(comparison.common == 48 && comparison.images == [60, 60])
    }

    @Test func `the summary's bins hold every image`() throws {
        let summary = try #require(try Inspected().site.summary)
        #expect(summary.counts.reduce(0, +) == 60 && summary.edges.count == summary.counts.count + 1)
        #expect(summary.lowest < summary.median && summary.median < summary.highest)
    }
}
