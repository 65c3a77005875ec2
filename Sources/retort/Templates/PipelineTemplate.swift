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
            The vocabulary is learned from the captions. `clip-ft` goes on from `clip`; retrieval, and zero-shot classes
            where there are labelled images, are measured on images that nothing learned from. Behind a `#` without a
            space stands what not everybody has data for.
            \(verbs)
            """
        case .clipExperts:
            """
            `clip-ft` goes on from the same CLIP with the same updates and captions alone: without it, nothing can be
            said of the expert. What the expert says is stored once: `retort inspect expert-labels`. Behind a `#` without
            a space stands what not everybody has data for.
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
        case .clip, .clipExperts: captionedData(demo: false)
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
        case .clip, .clipExperts: captionedData(demo: true)
        }
    }
}

// MARK: Stages

extension PipelineTemplate {
    private func stages(demo: Bool) -> String {
        switch self {
        case .distill: demo ? Self.pretraining + "\n" + Self.distilling(demo) : Self.distilling(demo)
        case .curate: demo ? Self.pretraining + "\n" + Self.curating : Self.curating
        case .clip, .clipExperts: captionedStages(demo: demo)
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
}
