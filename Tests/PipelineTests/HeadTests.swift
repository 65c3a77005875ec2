import Foundation
import TestSupport
import Testing

/// Teachers and students may end in other heads than a linear one.
@Suite struct HeadTests {
    @Test func `teacher and student have the heads that the pipeline names`() throws {
        let retort = try Retort()
        let file = retort.folder.appending("heads.yaml")
        try """
        retort: 1
        name: heads
        data:
          target: {kind: world, seed: 2, splits: {train: 16}}
        stages:
          first: {uses: fine-tune, architecture: vit_mini_patch4_32, train: target.train, steps: 2, batch_size: 8}
          teacher: {uses: fine-tune, model: first, head: attention-pool, train: target.train, steps: 2, batch_size: 8}
          student:
            {uses: distill, teacher: teacher, images: target.train, student: dwcnn_xs, head: mlp, steps: 2, batch_size: 8}
        """.write(to: file, atomically: true, encoding: .utf8)
        let run = try retort.run("run", file.path)
        #expect(run.code == 0, "\(run.errors)")
        for (stage, head) in [("teacher", "attention-pool"), ("student", "mlp")] {
            let card = try String(decoding: retort.artifact(stage, "model.json"), as: UTF8.self)
            #expect(card.contains(#""head" : "\#(head)""#) || card.contains(#""head":"\#(head)""#), "\(card)")
        }
    }
}
