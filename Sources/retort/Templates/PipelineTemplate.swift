import ArgumentParser

/// A commented pipeline file to begin with.
enum PipelineTemplate: String, CaseIterable, ExpressibleByArgument {
    case distill, curate, clip
    case clipExperts = "clip-experts"

    /// What it is for, in half a line.
    var purpose: String {
        switch self {
        case .distill: "a small student from a large teacher, by way of a retrieved transfer set"
        case .curate: "a transfer set from a pool, and nothing else"
        case .clip: "a CLIP from images with captions"
        case .clipExperts: "a CLIP from captions and from what an expert says of the same images"
        }
    }

    /// The file; with `demo` its data are rendered, and every stage is short.
    func text(demo: Bool) -> String {
        let data = demo ? demonstrationData : ownData
        return """
            # \(title)
            \(comment.split(separator: "\n").map { "# \($0)" }.joined(separator: "\n"))
            retort: 1
            name: \(rawValue)

            \(data)

            stages:
            \(stages(demo: demo))
            """
    }

    private var title: String { purpose.prefix(1).uppercased() + purpose.dropFirst() + "." }

    private var comment: String {
        let verbs =
            "`retort plan` says what would run, `retort run` runs it, `retort stages KIND` lists all settings."
        return switch self {
        case .distill:
            """
            The teacher learns the task, answers for the transfer set, and the student learns its answers, then
            the labels. `scratch` is the honest comparison: the labels alone, with as many updates.
            \(verbs)
            """
        case .curate:
            """
            `retort inspect curate` shows the set in a browser. What you mark goes to marks/curate.jsonl, and the
            next run replaces what was rejected.
            \(verbs)
            """
        case .clip:
            """
            The vocabulary is learned from the captions. Zero-shot classes and retrieval are measured on images that
            nothing learned from.
            \(verbs)
            """
        case .clipExperts:
            """
            `control` goes on from the same CLIP with the same updates and captions alone: without it, nothing can be said of the
            expert. What the expert says is stored once (`retort path expert-labels`).
            \(verbs)
            """
        }
    }
}

// MARK: Data

extension PipelineTemplate {
    private var ownData: String {
        switch self {
        case .distill, .curate:
            """
            data:
              # root/<split>/<class>/<file>, with the splits train, val and test
              target: {kind: imagefolder, root: data/target}
              # unlabelled images in tar shards; `kind: imagefolder` takes a folder
              pool: {kind: webdataset, shards: 'data/pool/{00000..00009}.tar'}

            models:
              # weights of timm, Hugging Face or OpenCLIP in safetensors; see `retort model info FILE`
              vfm: {file: models/foundation.safetensors}
            """
        case .clip, .clipExperts:
            """
            data:
              # tar shards with NAME.jpg and NAME.txt, the caption; or `kind: manifest` with a column `caption`
              captions: {kind: webdataset, shards: 'data/captions/{00000..00009}.tar'}
              # labelled images to measure on: root/test/<class>/<file>
              names: {kind: imagefolder, root: data/names}
            """
                + (self == .clip
                    ? ""
                    : "\n\n" + """
                        models:
                          # A TorchScript module with an answer for every pixel. It runs code that it brings along.
                          expert:
                            file: models/expert.torchscript.pt
                            architecture: torchscript
                            output: map
                            task: segmentation          # or depth, normals
                            image_size: 512
                            mean: [0.485, 0.456, 0.406]
                            std: [0.229, 0.224, 0.225]
                            classes: [background, person, car]    # by output; yours
                        """)
        }
    }

    private var demonstrationData: String {
        switch self {
        case .distill, .curate:
            """
            # Rendered scenes: nothing to download. Write `retort init` without --demo for your own images.
            data:
              generic: {kind: world, domain: generic, seed: 1, splits: {train: 2000}}
              target: {kind: world, domain: objects, seed: 2, splits: {train: 200, val: 100, test: 300}}
              pool: {kind: world, domain: objects, seed: 3, splits: {all: 3000}, on_domain: 0.1}
            """
        case .clip, .clipExperts:
            """
            # Rendered scenes with captions: nothing to download. Write `retort init` without --demo for your own.
            data:
              captions: {kind: world, domain: generic, seed: 1, splits: {train: 1000, test: 200}}
              names: {kind: world, domain: objects, seed: 2, splits: {test: 200}}
            """
                + (self == .clip
                    ? ""
                    : "\n" + """
                          labelled: {kind: world, domain: layouts, seed: 3, splits: {train: 200}, truth: [depth]}
                        """)
        }
    }
}

// MARK: Stages

extension PipelineTemplate {
    private func stages(demo: Bool) -> String {
        switch self {
        case .distill: demo ? Self.pretraining + "\n" + Self.distilling(demo) : Self.distilling(demo)
        case .curate: demo ? Self.pretraining + "\n" + Self.curating : Self.curating
        case .clip: Self.training(demo) + Self.measuring(["clip"], baseline: nil, demo)
        case .clipExperts:
            Self.training(demo) + Self.asking(demo)
                + Self.measuring(["clip-experts", "control"], baseline: "control", demo)
        }
    }

    private static let pretraining = """
          # Stands for a foundation model: it has never seen the target's labels.
          vfm: {uses: pretrain, images: generic.train, architecture: dwcnn_s, epochs: 2, learning_rate: 2e-3}
        """

    private static let curating = """
          embed: {uses: embed, model: vfm, images: [pool, target]}
          index: {uses: index, embeddings: embed}
          curate:
            uses: curate
            index: index
            queries: target.train
            exclude: [target.val, target.test]      # nothing that repeats one of these is chosen
            strategy: query-balanced
            size: 1000
            # marks: marks/curate.jsonl             # once you have marked images
        """

    private static func distilling(_ demo: Bool) -> String {
        let student = demo ? "dwcnn_xs" : "mobilenetv2_mini"
        let steps = demo ? (100, 50, 150) : (2000, 500, 2500)
        return """
              teacher: {uses: fine-tune, model: vfm, train: target.train, val: target.val, epochs: \(demo ? 5 : 10)}
            \(curating)
              transfer:
                uses: distill
                teacher: teacher
                images: curate
                val: target.val                         # a teacher that knows nothing is refused
                student: \(student)
                steps: \(steps.0)
                batch_size: 64
                learning_rate: 2e-3
              student:
                uses: fine-tune
                model: transfer
                train: target.train
                val: target.val
                steps: \(steps.1)
                learning_rate: 1e-3
              scratch:
                uses: fine-tune
                architecture: \(student)\(demo ? "" : "\n    image_size: 64")
                train: target.train
                val: target.val
                steps: \(steps.2)
                learning_rate: 2e-3
              eval:
                uses: evaluate
                models: [student, scratch]
                ceiling: teacher
                baseline: scratch
                images: target.test

            # One seed says nothing about spread: three give an interval.
            matrix: {seed: {values: [0], to: [transfer, student, scratch]}}
            gates: ["curate.leakage.exact == 0"]
            """
    }

    private static func training(_ demo: Bool) -> String {
        """
          clip:
            uses: train-clip
            images: captions.\(demo ? "train" : "all")
            architecture: \(demo ? "clip_vit_mini" : "mobilenetv2_100")         # any image tower, with a small text tower; or ViT-B-32
            \(demo ? "steps: 60" : "epochs: 30")
            batch_size: \(demo ? 64 : 512)
            micro_batch: \(demo ? 32 : 64)            # memory for so many pairs; the loss is that of the whole batch
            learning_rate: 1e-3

        """
    }

    private static func asking(_ demo: Bool) -> String {
        let split = demo ? "train" : "all"
        let task = demo ? "depth" : "segmentation"
        let updates = demo ? "steps: 30" : "epochs: 5"
        let expert =
            demo
            ? """
              # An expert that learned on other images, whose truth is known.
              expert:
                uses: fine-tune
                architecture: vit_mini_patch4_32
                train: labelled.train
                task: depth
                head: linear-dense
                steps: 60
                batch_size: 32
                learning_rate: 1e-3

            """ : ""
        return expert + """
              expert-labels: {uses: pseudo-label, expert: expert, images: captions.\(split)}
              control: &tuning
                uses: train-clip
                model: clip
                images: captions.\(split)
                \(updates)
                batch_size: \(demo ? 64 : 512)
                micro_batch: \(demo ? 32 : 64)
                learning_rate: 5e-4
              clip-experts: {<<: *tuning, \(task): expert-labels}

            """
    }

    private static func measuring(_ models: [String], baseline: String?, _ demo: Bool) -> String {
        """
          zero-shot:
            uses: evaluate-clip
            models: [\(models.joined(separator: ", "))]\(baseline.map { "\n    baseline: \($0)" } ?? "")
            images: names.test\(demo ? "\n    pairs: captions.test" : "")
            templates: ['a photo of a {}.', 'a {}']
        """
    }
}
