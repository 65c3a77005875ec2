import Diagnostics
import Engine
import Tensors
import TestSupport
import Testing
import Training

@testable import Stages

/// What a `distill` node of a pipeline file stands for, and what it refuses.
@Suite struct DistillNodeTests {
    private func graph(_ settings: String, _ matrix: MatrixAxis...) throws -> Graph {
        try Graph(
            pipeline(
                """
                data pool: imagefolder root=pool
                teacher: pretrain images=pool.all architecture=dwcnn_xs
                labels: label teacher=teacher images=pool.all
                transfer: distill \(settings)
                """, matrix: matrix), catalog: builtinStages)
    }

    /// The nodes before `transfer` that are not written, and what they read.
    private func implied(_ graph: Graph) -> [String] {
        graph.nodes.filter { $0.name.hasPrefix("transfer-labels") }.map { node in
            "\(node.name) <- " + node.inputs.map(\.input).joined(separator: " ")
        }
    }

    private func message(_ settings: String) throws -> String {
        let problems = #expect(throws: Problems.self) { try graph(settings) }
        return try #require(problems).description
    }

    @Test func `a teacher with images is asked once, for all students and seeds`() throws {
        let text = "teacher=teacher images=pool.all val=pool.val student=dwcnn_xs views=3"
        #expect(try implied(graph(text)) == ["transfer-labels <- teacher images val"])
        let sweep = try graph(
            text, axis("student", "dwcnn_xs", "dwcnn_s", to: ["transfer"]),
            axis("seed", "0", "1", to: ["transfer"]),
            axis("learning_rate", "1e-3", "2e-3", to: ["transfer"]))
        #expect(implied(sweep) == ["transfer-labels <- teacher images val"])
        #expect(sweep.indices(named: "transfer").count == 8)
        let transfer = try #require(sweep.nodes.last)
        #expect(transfer.inputs.map(\.input) == ["labels", "val"])
        let views = try graph(text, axis("views", "1", "2", to: ["transfer"]))
        #expect(
            implied(views) == [
                "transfer-labels[views=1] <- teacher images val",
                "transfer-labels[views=2] <- teacher images val",
            ])
    }

    @Test func `features are stored where they are imitated`() throws {
        func features(_ settings: String) throws -> Bool? {
            let stage = try graph(settings).nodes.first { $0.name == "transfer-labels" }?.stage as? Label
            return stage?.features
        }
        let text = "teacher=teacher images=pool.all val=pool.val student=dwcnn_xs"
        #expect(try features(text) == false)
        #expect(try features(text + " objective=task-agnostic") == true)
        #expect(
            try implied(graph(text + " objective=task-agnostic")) == ["transfer-labels <- teacher images"])
    }

    @Test func `only an explicit word asks online, and labels are taken as they are`() throws {
        let text = "teacher=teacher images=pool.all student=dwcnn_xs"
        #expect(try implied(graph(text + " answers=online")) == [])
        #expect(try implied(graph("labels=labels student=dwcnn_xs")) == [])
    }

    @Test func `what contradicts itself is refused`() throws {
        let place = "test.yml:4:1: error: "
        #expect(
            try message("labels=labels student=dwcnn_xs answers=online") == place + """
                labels are stored answers, so nothing is asked online
                  hint: give teacher and images, or leave `answers: online` out
                """)
        #expect(
            try message("labels=labels student=dwcnn_xs teacher_floor=0.5") == place + """
                teacher_floor is checked when the teacher is asked, and its labels are stored already
                  hint: set it where the labels are made
                """)
        #expect(
            try message("teacher=teacher images=pool.all student=dwcnn_xs teacher_floor=0.5") == place + """
                teacher_floor needs images to check the teacher on
                  hint: set val: to a labelled split
                """)
        #expect(
            try message("teacher=teacher student=dwcnn_xs") == place + """
                a teacher needs images to be asked about
                  hint: set images: to an image set or a transfer set
                """)
        #expect(
            try message("teacher=teacher labels=labels images=pool.all student=dwcnn_xs") == place + """
                labels (stored answers) and teacher (with images) exclude each other
                  hint: give exactly one of the two
                """)
    }

    @Test func `the ids of a batch that is not finite go to the journal`() throws {
        var logged: [String] = []
        let context = try StageContext.temporary(in: TemporaryFolder()) { event in
            if case .log(let message) = event { logged.append(message) }
        }
        try context.trainingSession(try .init(seed: 0)).hooks.log("images: a, b")
        #expect(logged == ["images: a, b"])
    }
}
