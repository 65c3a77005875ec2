// The templates that begin with captions. A line that stands behind a `#` without a space is for data that not
// everybody has: whoever has them takes the `#` away.

extension PipelineTemplate {
    /// The data, and the expert where there is one.
    func captionedData(demo: Bool) -> String {
        if demo { return Self.renderedCaptions + (self == .clip ? "" : "\n" + Self.renderedMaps) }
        guard self == .clipExperts else { return Self.captions }
        return Self.captions + "\n" + Self.maps + "\n\n" + Self.importedExpert
    }

    /// The stages, and the seeds.
    func captionedStages(demo: Bool) -> String {
        var parts = [Self.training(demo), Self.goingOn(demo, isCopied: self == .clipExperts)]
        var arms = ["clip-ft", "clip"]
        if self == .clipExperts {
            parts.insert(Self.asking(demo), at: 0)
            parts.append("  clip-experts: {<<: *tuning, segmentation: expert-labels}\n")
            arms.insert("clip-experts", at: 0)
        }
        let trained = self == .clip ? "clip, clip-ft" : "clip, clip-ft, clip-experts"
        parts.append(Self.measuring(arms, baseline: self == .clip ? "clip" : "clip-ft", demo))
        if self == .clipExperts { parts.append(Self.probing(demo)) }
        parts.append(
            """
            # One seed says nothing about spread: [0, 1, 2, 3, 4] gives every difference an interval.
            matrix: {seed: {values: [0], to: [\(trained)]}}
            """)
        return parts.joined(separator: "\n")
    }

    /// YAML that stands behind a `#`, unless its data are there.
    private static func optional(_ yaml: String, isShown: Bool) -> String {
        guard !isShown else { return yaml }
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        let indentation = lines.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { $0.prefix(indentation) + "#" + $0.dropFirst(indentation) }
            .joined(separator: "\n")
    }
}

// MARK: Data

extension PipelineTemplate {
    private static let captions = """
        data:
          # Tar shards with NAME.jpg (or .png) and its caption in NAME.txt, or in NAME.json as "caption" or "captions";
          # several: 'train-{000000..000009}.tar'. `kind: manifest` takes a table with the column `caption`.
          captions: {kind: webdataset, shards: data/captions/train-000000.tar}
          # Other captioned images: nothing learns from them, and retrieval is measured on them.
          held-out: {kind: webdataset, shards: data/captions/val-000000.tar}
          # Labelled images for zero-shot classification by the names of their classes: root/test/<class>/<file>
        """ + "\n" + optional("  names: {kind: imagefolder, root: data/names}", isShown: false)

    private static let maps = """
          # A few images with masks of the expert's classes: root/{train,test}/{images,masks}/<file>, root/classes.txt
        """ + "\n" + optional("  maps: {kind: maskfolder, root: data/maps}", isShown: false)

    private static let importedExpert = """
        models:
          # The expert: a TorchScript module. Such a file brings code along, which runs.
          expert:
            file: models/expert.pt
            architecture: torchscript
            output: map                     # it answers for every pixel: [images, channels, height, width]
            output_part: out                # the map's key or number where it returns several results; else no matter
            task: segmentation              # what the map says; or depth, normals (and so in `clip-experts` below)
            image_size: 512                 # the square of pixels that images are resized to
            mean: [0.485, 0.456, 0.406]     # taken from values in 0..1; [0, 0, 0] where the module does that itself
            std: [0.229, 0.224, 0.225]      # which are then divided by this; [1, 1, 1] where the module does
            classes: [background, person, car]    # by channel; for segmentation only
            licence: not declared           # its terms, for the cards of all models that learn from it
        """

    private static let renderedCaptions = """
        # Rendered scenes with captions: nothing to download. Write `retort init` without --demo for your own.
        data:
          captions: {kind: world, domain: generic, seed: 1, splits: {all: 1000}}
          held-out: {kind: world, domain: generic, seed: 2, splits: {all: 200}}
          names: {kind: world, domain: objects, seed: 3, splits: {test: 200}}
        """

    private static let renderedMaps = """
          labelled: {kind: world, domain: objects, seed: 4, splits: {train: 200}, truth: [segmentation]}
          maps: {kind: world, domain: generic, seed: 5, splits: {train: 200, test: 100}, truth: [segmentation]}
        """
}

// MARK: Stages

extension PipelineTemplate {
    private static func training(_ demo: Bool) -> String {
        let tower =
            demo
            ? "    architecture: clip_vit_mini"
            : """
                architecture: mobilenetv2_100   # any image tower, beside a small text tower; or both by a name such as ViT-B-32
                image_size: 128
            """
        return """
              clip:
                uses: train-clip
                images: captions.all
            \(tower)
                \(demo ? "steps: 60" : "epochs: 30")
                batch_size: \(demo ? 64 : 256)
                micro_batch: \(demo ? 32 : 64)                 # memory for so many pairs; the loss is that of the whole batch
                learning_rate: 1e-3

            """
    }

    private static func goingOn(_ demo: Bool, isCopied: Bool) -> String {
        """
          # Goes on from captions alone. `model:` can be a published CLIP, too, from `models:` with its `vocabulary:`.
          clip-ft:\(isCopied ? " &tuning" : "")
            uses: train-clip
            model: clip
            images: captions.all
            \(demo ? "steps: 30" : "epochs: 5")
            batch_size: \(demo ? 64 : 256)
            micro_batch: \(demo ? 32 : 64)
            learning_rate: 5e-4
        """ + (isCopied ? "" : "\n")
    }

    private static func asking(_ demo: Bool) -> String {
        let expert = """
              # An expert that learned on other images, whose truth is known.
              expert:
                uses: fine-tune
                architecture: vit_mini_patch4_32
                train: labelled.train
                task: segmentation
                head: linear-dense
                steps: 60
                batch_size: 32
                learning_rate: 2e-3

            """
        return (demo ? expert : "") + """
              # Asked once about every image; pixels of whose class it is less sure count as unknown.
              expert-labels: {uses: pseudo-label, expert: expert, images: captions.all, confidence: 0.5}

            """
    }

    private static func measuring(_ arms: [String], baseline: String, _ demo: Bool) -> String {
        """
          evaluation:
            uses: evaluate-clip
            models: [\(arms.joined(separator: ", "))]
            baseline: \(baseline)
            pairs: held-out.all
        """ + "\n"
            + optional(
                """
                    images: names.test
                    templates: ['a photo of a {}.', 'a {}']
                """, isShown: demo) + "\n"
    }

    private static func probing(_ demo: Bool) -> String {
        "  # How wrong the expert is, and what the image towers know of pixels.\n"
            + optional(
                """
                  expert-error: {uses: evaluate-maps, models: expert, images: maps.test}
                  probe:
                    uses: probe
                    models: [clip-experts, clip-ft, clip]
                    baseline: clip-ft
                    task: segmentation
                    train: maps.train
                    images: maps.test
                    steps: \(demo ? 30 : 200)
                """, isShown: demo) + "\n"
    }
}
