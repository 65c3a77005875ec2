import Foundation
import TestSupport
import Testing

@Suite struct ReportStageTests {
    @Test func `a report is a stage, too, and shows the whole lineage`() throws {
        let retort = try Retort()
        let file = retort.folder.appending("p.yaml")
        try """
        retort: 1
        name: reported
        data:
          world: {kind: world, splits: {train: 16, test: 8}}
        stages:
          student: {uses: fine-tune, architecture: dwcnn_xs, train: world.train, steps: 2, batch_size: 8}
          eval: {uses: evaluate, models: [student], images: world.test}
          page: {uses: report, evaluations: [eval], title: What came of it}
        """.write(to: file, atomically: true, encoding: .utf8)
        let run = try retort.run("run", file.path)
        #expect(run.code == 0, "\(run.errors)")
        let page = String(decoding: try retort.artifact("page", "report.html"), as: UTF8.self)
        for word in ["What came of it", "student", "eval", "world"] {
            #expect(page.contains(word), "\(word)")
        }
        #expect(try retort.run("verify").code == 0)
    }
}
