import Foundation
import TestSupport
import Testing
import Vision

/// What goes wrong most often in a pipeline file: each mistake is located, and says what to do.
@Suite struct MistakesTests {
    /// One mistake: what is written instead of something right, and all that is said about it.
    struct Mistake: CustomTestStringConvertible, Sendable {
        var name: String
        var right: String
        var wrong: String
        var text: String
        var code: Int32 = 78
        /// The verb that finds it: what depends on data is found when the data is read.
        var verb = "plan"
        var testDescription: String { name }
    }

    private static let pipeline = """
        retort: 1
        name: food
        data:
          food: {kind: world, splits: {train: 8, val: 4, test: 4}}
          other: {kind: imagefolder, root: other}
        stages:
          student:
            uses: fine-tune
            architecture: dwcnn_xs
            train: food.train
            val: food.val
            learning_rate: 1e-3
            steps: 1
            batch_size: 4
          eval: {uses: evaluate, models: [student], images: food.test}

        """

    static let mistakes = [
        Mistake(
            name: "misspelt stage kind", right: "uses: fine-tune", wrong: "uses: finetune",
            text: """
                food.yaml:8:11: error: unknown stage kind 'finetune'
                  hint: did you mean 'fine-tune'?
                """),
        Mistake(
            name: "misspelt setting", right: "learning_rate: 1e-3", wrong: "learning_rat: 1e-3",
            text: """
                food.yaml:12:5: error: unknown setting 'learning_rat' for stage 'fine-tune'
                  hint: did you mean 'learning_rate'?
                """),
        Mistake(
            name: "wrong type", right: "learning_rate: 1e-3", wrong: "learning_rate: fast",
            text: """
                food.yaml:12:20: error: learning_rate: 'fast' is not a number
                  hint: write it as 0.001 or 1e-3
                """),
        Mistake(
            name: "missing folder", right: "root: other", wrong: "root: ohter/",
            text: """
                food.yaml:5:3: error: there is no folder FOLDER/ohter
                  hint: a path is looked for in the folder in which retort runs, unless it begins with /
                """, code: 66),
        Mistake(
            name: "missing split", right: "train: food.train", wrong: "train: food.training",
            text: """
                food.yaml:10:12: error: train: 'food' has no part 'training'
                  hint: it has test, train, val
                """, verb: "run"),
        Mistake(
            name: "a stage that is not there", right: "models: [student]", wrong: "models: [studnet]",
            text: """
                food.yaml:15:35: error: models: unknown node 'studnet'
                  hint: did you mean 'student'?
                """),
        Mistake(
            name: "two stages that read each other", right: "  eval:",
            wrong: "  one: {uses: fine-tune, model: two, train: food.train}\n"
                + "  two: {uses: fine-tune, model: one, train: food.train}\n  eval:",
            text: """
                food.yaml:16:33: error: nodes read each other in a circle: one ← two ← one
                  hint: let one of them read something else
                """),
        Mistake(
            name: "test split in training", right: "train: food.train", wrong: "train: food.test",
            text: """
                food.yaml:10:12: error: train: 'food.test' is learned from here and measured on by 'eval'
                  hint: the measurement is at food.yaml:15:53; use another part
                """),
        Mistake(
            name: "wrong number of classes", right: "images: food.test", wrong: "images: other.train",
            text: """
                food.yaml:15:3: error: 'student' and the images do not have the same classes (10 and 2): apple, \
                checkered box, checkered cone, dotted cone, dotted torus
                  hint: both need the same class names in the same order
                """, code: 65, verb: "run"),
        Mistake(
            name: "key written twice", right: "    val: food.val",
            wrong: "    val: food.val\n    train: food.val",
            text: """
                food.yaml:10:5: error: the key 'train' is written more than once in the same map
                  hint: keep one of them
                """),
        Mistake(
            name: "tab", right: "    val: food.val", wrong: "\tval: food.val",
            text: """
                food.yaml:11:1: error: the file is not valid YAML: while scanning a plain scalar, found a tab \
                character that violates indentation
                  hint: indent with spaces; YAML does not allow tabs there
                """),
        Mistake(
            name: "bracket that is not closed", right: "models: [student]", wrong: "models: [student",
            text: """
                food.yaml:15:61: error: the file is not valid YAML: while parsing a flow sequence, did not find \
                expected ',' or ']'
                  hint: a list that began with '[' must end with ']'
                """),
        Mistake(
            name: "environment variable that is not set", right: "root: other",
            wrong: "root: \"${env.RETORT_TEST_NOWHERE}\"",
            text: """
                food.yaml:5:36: error: the environment variable 'RETORT_TEST_NOWHERE' is not set
                  hint: set it, or give it a default: ${env.RETORT_TEST_NOWHERE:-value}
                """),
        Mistake(
            name: "unknown architecture", right: "dwcnn_xs", wrong: "dwcnn_sx",
            text: """
                food.yaml:7:3: error: unknown model 'dwcnn_sx'
                  hint: did you mean 'dwcnn_s'?
                """, verb: "run"),
    ]

    @Test(arguments: mistakes) func `is located and says what to do`(_ mistake: Mistake) throws {
        let retort = try Retort()
        for (name, shade) in [("apple", UInt8(9)), ("pear", 99)] {
            let file = retort.folder.appending("other/train/\(name)/1.png")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            let pixels = [UInt8](repeating: shade, count: 16 * 16 * 3)
            try ImageCodec.encodePNG(Image(width: 16, height: 16, pixels: pixels)).write(to: file)
        }
        let text = Self.pipeline.replacing(mistake.right, with: mistake.wrong, maxReplacements: 1)
        try retort.folder.write(text, to: "food.yaml")
        let flags = mistake.verb == "run" ? ["--progress", "none", "-q"] : ["-q"]
        let outcome = try retort.run([mistake.verb, "food.yaml"] + flags)
        #expect(outcome.code == mistake.code)
        let root = retort.folder.url.resolvingSymlinksInPath().path
        let said = outcome.errors.replacing(root, with: "FOLDER").trimmingCharacters(in: .newlines)
        #expect(said == mistake.text)
    }
}
