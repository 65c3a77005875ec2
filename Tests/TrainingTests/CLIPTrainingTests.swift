import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Text
import Training
import Vision

@Suite struct CLIPTrainingTests {
    private let source = ColouredSquares(count: 48)

    private var records: [ImageRecord] {
        source.records.map { record in
            var record = record
            let colour = source.classes[record.label ?? 0]
            record.captions = ["a \(colour) square", "a square that is \(colour)"]
            return record
        }
    }

    private var tokenizer: Tokenizer { Tokenizer(learnedFrom: records.flatMap { $0.captions ?? [] }) }

    private func clip(
        _ architecture: String = "clip_vit_mini", seed: UInt64 = 1, dropPath: Double = 0
    ) throws -> LoadedCLIP {
        let tokenizer = tokenizer
        var configuration = try CLIPConfiguration.defaults(
            for: architecture, imageSize: 16, vocabularySize: tokenizer.vocabularySize)
        configuration.text.depth = 2
        if architecture == "clip_vit_mini" {
            configuration.image.options["depth"] = 2
            configuration.image.options["drop_path"] = .double(dropPath)
        }
        return try LoadedCLIP.initialize(
            configuration, tokenizer: tokenizer, generator: Generator(seed: seed), device: .cpu)
    }

    private func embeddings(_ clip: LoadedCLIP, _ images: Tensor, _ captions: [[Int]], _ places: Range<Int>)
        throws -> GradientCache.Embeddings
    {
        let part = try images.slice(dim: 0, from: places.lowerBound, to: places.upperBound)
        return try GradientCache.Embeddings(
            images: clip.model.embedding(ofImages: part, mode: .training).normalize(-1),
            texts: clip.model.text(Array(captions[places])).normalize(-1))
    }

    @Test(arguments: [1, 3, 4, 11]) func `a gradient cache gives the gradient of the whole batch`(
        _ chunk: Int
    )
        throws
    {
        let clip = try clip()
        let images = try Fixtures.tensor("images", 12, 3, 16, 16)
        let captions = (0..<12).map { clip.tokens("caption \($0) of a \(source.classes[$0 % 4]) square") }
        func gradients(_ chunk: Int?) throws -> (loss: Double, gradients: [[Float]]) {
            let tensors = clip.whole.parameters.named.map(\.tensor)
            try Tensor.zeroGrad(tensors)
            let loss = try GradientCache(chunk: chunk, generator: Generator(seed: 0)).loss(
                of: 12, weight: 0.7, scale: { try clip.model.logitScale.exp() }
            ) { places, _ in
                var all = try embeddings(clip, images, captions, places)
                // Something else that is learned of the images, as of maps.
                all.others = try all.images.abs().sum(1).mean()
                return all
            }
            try loss.backward()
            return (try loss.item(), try tensors.map { try $0.grad?.floats() ?? [] })
        }
        let (plain, cached) = (try gradients(nil), try gradients(chunk))
        #expect(abs(plain.loss - cached.loss) < 1e-5)
        for (entry, (own, wanted)) in zip(
            clip.whole.parameters.named, zip(cached.gradients, plain.gradients))
        {
            #expect(!wanted.isEmpty, "\(entry.name)")
            let largest = wanted.map(abs).max() ?? 0
            let apart = zip(own, wanted).map { abs($0 - $1) }.max() ?? 0
            #expect(apart <= 1e-6 + 1e-5 * largest, "\(entry.name): \(apart) of \(largest)")
        }
    }

    @Test func `both passes of a cache draw the same, and statistics move once`() throws {
        let clip = try clip(dropPath: 0.5)
        let images = try Fixtures.tensor("images", 8, 3, 16, 16)
        let captions = (0..<8).map { clip.tokens("caption \($0)") }
        var seen: [GradientCache.Pass: [[Float]]] = [:]
        let cache = GradientCache(chunk: 4, generator: clip.whole.parameters.generator)
        let loss = try cache.loss(of: 8, scale: { try clip.model.logitScale.exp() }) { places, pass in
            let all = try embeddings(clip, images, captions, places)
            seen[pass, default: []].append(try all.images.floats())
            return all
        }
        try loss.backward()
        #expect(seen[.first]?.count == 2 && seen[.first] == seen[.last])

        let convolutional = try self.clip("clip_mobilenetv2_mini")
        let named = convolutional.whole.parameters.named
        let counter = try #require(named.first { $0.name.hasSuffix("num_batches_tracked") }).tensor
        let buffers = named.filter { $0.kind == .buffer }.map(\.tensor)
        let before = try counter.item()
        _ = try GradientCache(chunk: 4, generator: Generator(seed: 0), buffers: buffers).loss(
            of: 8, scale: { try convolutional.model.logitScale.exp() }
        ) { places, _ in try embeddings(convolutional, images, captions, places) }
        #expect(try counter.item() == before + 2)
    }

    /// What is known of every pixel of the squares: their colour, a slope, or where warm colours face.
    private struct KnownMaps: DenseTargets {
        let task: DenseTask
        /// Whether of most images nothing is known.
        var isUneven = false
        func map(of record: ImageRecord) throws -> DenseMap? {
            // One image was not answered.
            guard record.member != "7" else { return nil }
            let known = isUneven && record.label != 0 ? 0 : 256
            let values = (0..<256).flatMap { pixel -> [Float] in
                guard pixel < known else { return Array(repeating: .nan, count: task == .normals ? 3 : 1) }
                return switch task {
                case .segmentation: [Float(record.label ?? 0)]
                case .depth: [Float(pixel / 16)]
                case .normals: (record.label ?? 0) < 2 ? [0, 1, 0] : [0, 0, 1]
                }
            }
            return DenseMap(task, width: 16, height: 16, values: values)
        }
    }

    private var experts: [DenseTerm] {
        DenseTask.allCases.map {
            DenseTerm(DenseObjective($0), targets: KnownMaps(task: $0), classCount: 4, weight: 0.5)
        }
    }

    private func train(
        _ clip: LoadedCLIP, steps: Int, chunk: Int? = nil, learningRate: Double = 1e-3,
        precision: Recipe.Precision = .fp32,
        experts: [DenseTerm] = [], recording metric: @escaping (Int, String, Double) -> Void = { _, _, _ in },
        folder: URL, stopAt stop: Int? = nil
    ) throws {
        struct Stop: Error {}
        var recipe = Recipe(steps: steps, batchSize: 16, learningRate: learningRate, seed: 0)
        recipe.averageDecay = 0.9
        recipe.microBatch = chunk
        recipe.precision = precision
        var training = CLIPTraining(
            clip, train: try ImageTextPairs(records, for: clip, seed: 0), provider: source.provider,
            views: .training(TrainingViews(scale: 0.5...1)), recipe: recipe)
        training.experts = experts
        training.expertSchedule = .cosine
        var hooks = TrainingHooks.silent
        hooks.metric = metric
        hooks.advance = { step, _, _, save in
            guard step == stop else { return }
            try save()
            throw Stop()
        }
        do {
            try training.run(
                TrainingSession(
                    folder: folder, generator: clip.whole.parameters.generator, hooks: hooks))
        } catch is Stop { return }
    }

    @Test(arguments: ["clip_vit_mini", "clip_mobilenetv2_mini"])
    func `a CLIP learns the names of four colours`(_ architecture: String) throws {
        let clip = try clip(architecture)
        let folder = try TemporaryFolder()
        try train(clip, steps: 40, chunk: architecture == "clip_vit_mini" ? 8 : nil, folder: folder.url)
        let classifier = try ZeroShotClassifier(
            clip, classes: source.classes, templates: ["a {} square", "a square that is {}"])
        let metrics = ClassificationMetrics(
            probabilities: try classifier.probabilities(of: records, provider: source.provider, workers: 2),
            labels: records.map { $0.label ?? 0 }, classes: source.classes)
        #expect(metrics.top1 > 0.9)

        // The folder holds all of it, and its image tower is a model as any other.
        let written = folder.appending("clip")
        try FileManager.default.createDirectory(at: written, withIntermediateDirectories: true)
        try clip.write(to: written)
        let loaded = try LoadedCLIP.load(written, device: .cpu)
        #expect(loaded.configuration.text == clip.configuration.text)
        for (a, b) in zip(loaded.whole.parameters.named, clip.whole.parameters.named) {
            #expect(try a.name == b.name && a.tensor.bytes() == b.tensor.bytes())
        }
        #expect(
            try loaded.embeddings(of: ["a red square"]).floats()
                == clip.embeddings(of: ["a red square"]).floats())
        let alone = try LoadedModel.load(written, device: .cpu)
        let images = try Fixtures.tensor("images", 2, 3, 16, 16)
        #expect(
            try alone.network.features(images, mode: .evaluation).floats()
                == clip.model.image.features(images, mode: .evaluation).floats())
    }

    @Test func `what experts said is learned beside captions, and every loss is on record`() throws {
        let clip = try clip()
        let folder = try TemporaryFolder()
        var values: [String: [Double]] = [:]
        try train(
            clip, steps: 40, chunk: 8, experts: experts, recording: { values[$1, default: []].append($2) },
            folder: folder.url)
        for task in DenseTask.allCases.map(\.rawValue) {
            let losses = try #require(values["loss_\(task)"])
            #expect(losses.count == 4 && losses[3] < losses[0], "\(task): \(losses)")
            let cosines = try #require(values["gradient_cosine_\(task)"])
            #expect(cosines.count >= 16 && cosines.allSatisfy { abs($0) <= 1.0001 })
            #expect(values["gradient_norm_\(task)"]?.allSatisfy { $0 > 0 } == true)
        }
        #expect(values["loss_clip"]?.count == 4)
        #expect(values["gradient_cosine_segmentation_depth"] != nil)
        // The sum is what the loop records.
        let parts = ["clip", "segmentation", "depth", "normals"].compactMap { values["loss_\($0)"]?.first }
        let factor = try #require(values["expert_factor"]?.first)
        let total = parts[0] + factor * 0.5 * parts[1...].reduce(0, +)
        #expect(abs(total - (values["loss"]?.first ?? 0)) < 1e-4)
    }

    @Test func `chunks do not change what is learned of experts`() throws {
        func weights(_ chunk: Int?) throws -> [Float] {
            let (clip, folder) = (try clip(), try TemporaryFolder())
            try train(clip, steps: 2, chunk: chunk, experts: experts, folder: folder.url)
            return try clip.whole.parameters.named.flatMap { try $0.tensor.floats() }
        }
        // Adam takes a step of one size at first, whatever the size of a gradient: rounding shows.
        let (plain, cached) = (try weights(nil), try weights(8))
        let apart = zip(plain, cached).map { abs($0 - $1) }.max() ?? 1
        #expect(apart < 2e-3, "\(apart)")
    }

    @Test func `a chunk counts for as much as is known of its pixels`() throws {
        let uneven = DenseTask.allCases.map {
            DenseTerm(
                DenseObjective($0), targets: KnownMaps(task: $0, isUneven: true), classCount: 4, weight: 0.5)
        }
        func losses(_ chunk: Int?) throws -> [String: Double] {
            let (clip, folder) = (try clip(), try TemporaryFolder())
            var values: [String: Double] = [:]
            try train(
                clip, steps: 10, chunk: chunk, learningRate: 0, experts: uneven,
                recording: { values[$1] = $2 },
                folder: folder.url)
            return values
        }
        // A head that knows nothing loses about one, and chunks of which nothing is known, three of four, say nothing.
        let (whole, parts) = (try losses(nil), try losses(1))
        for task in ["segmentation", "normals"] {
            let (wanted, found) = (try #require(whole["loss_\(task)"]), try #require(parts["loss_\(task)"]))
            #expect((0.6...1.6).contains(found / wanted), "\(task): \(found), \(wanted)")
        }
    }

    @Test func `an image that a batch has twice is no wrong one of its own captions`() throws {
        let images = try Tensor([1, 0, 0.6, 0.8, 1, 0] as [Float], shape: [3, 2])
        let texts = try Tensor([0.8, 0.6, 0, 1, 0.6, 0.8] as [Float], shape: [3, 2])
        let mask = try Tensor([0, 0, -.infinity, 0, 0, 0, -.infinity, 0, 0] as [Float], shape: [3, 3])
        let scale = try Tensor([2] as [Float])
        let loss = try Loss.contrastive(images: images, texts: texts, scale: scale, mask: mask).item()
        let similar = [[0.8, 0, 0.6], [0.96, 0.8, 1], [0.8, 0, 0.6]]
        func entropy(_ row: [Double], _ own: Int) -> Double {
            log(row.reduce(0) { $0 + exp(2 * $1) }) - 2 * row[own]
        }
        let byImage =
            entropy([0.8, 0], 0) + entropy(similar[1], 1) + entropy([0, 0.6], 1)
        let byText = entropy([0.8, 0.96], 0) + entropy([0, 0.8, 0], 1) + entropy([1, 0.6], 1)
        #expect(abs(loss - (byImage + byText) / 6) < 1e-5)
        // More pairs in a batch than there are images.
        let (clip, folder) = (try clip(), try TemporaryFolder())
        let few = Array(records.prefix(5))
        let recipe = Recipe(steps: 3, batchSize: 16, learningRate: 1e-3, seed: 0)
        var last = Double.nan
        var hooks = TrainingHooks.silent
        hooks.metric = { if $1 == "loss" { last = $2 } }
        var training = CLIPTraining(
            clip, train: try ImageTextPairs(few, for: clip, seed: 0), provider: source.provider,
            views: .training(TrainingViews(scale: 0.5...1)), recipe: recipe)
        training.workers = 1
        let end = try training.run(
            TrainingSession(folder: folder.url, generator: clip.whole.parameters.generator, hooks: hooks))
        withExtendedLifetime(end) {}
        #expect(last.isNaN || last.isFinite)
        #expect(
            try clip.whole.parameters.named.allSatisfy {
                try $0.tensor.isFinite().to(.float32).min().item() == 1
            })
    }

    @Test func `a blank caption is none`() throws {
        var records = Array(self.records.prefix(3))
        records[0].captions = ["", " \n"]
        records[1].captions = ["", "a square"]
        let clip = try clip()
        let pairs = try ImageTextPairs(records, for: clip, seed: 0)
        #expect(pairs.count == 2 && pairs.captions.map(\.count) == [1, 2])
    }

    @Test func `the weight of experts goes down to zero, or stays`() {
        #expect(DenseTerm.Schedule.constant.factor(at: 90, of: 100) == 1)
        #expect(DenseTerm.Schedule.linear.factor(at: 25, of: 100) == 0.75)
        #expect(abs(DenseTerm.Schedule.cosine.factor(at: 50, of: 100) - 0.5) < 1e-12)
        #expect(DenseTerm.Schedule.cosine.factor(at: 100, of: 100) == 0)
    }

    @Test func `an interrupted training ends with the same bytes as an undisturbed one`() throws {
        let (whole, first, resumed) = (
            try clip(dropPath: 0.2), try clip(dropPath: 0.2), try clip(seed: 99, dropPath: 0.2)
        )
        let (undisturbed, folder) = (try TemporaryFolder(), try TemporaryFolder())
        try train(whole, steps: 8, chunk: 6, experts: experts, folder: undisturbed.url)
        try train(first, steps: 8, chunk: 6, experts: experts, folder: folder.url, stopAt: 3)
        try train(resumed, steps: 8, chunk: 6, experts: experts, folder: folder.url)
        for (a, b) in zip(whole.whole.parameters.named, resumed.whole.parameters.named) {
            #expect(try a.tensor.bytes() == b.tensor.bytes(), "\(a.name)")
        }
    }

    @Test func `bf16 trains, too`() throws {
        let clip = try clip()
        let folder = try TemporaryFolder()
        try train(clip, steps: 4, chunk: 8, precision: .bf16, folder: folder.url)
        for entry in clip.whole.parameters.named { #expect(try entry.tensor.isFinite().all().item() == 1) }
    }

    @Test func `captions are drawn anew in each epoch, and each is a function of its key`() throws {
        let clip = try clip()
        let pairs = try ImageTextPairs(records, for: clip, seed: 3)
        let again = try ImageTextPairs(records, for: clip, seed: 3)
        let sampler = EpochSampler(count: records.count, batchSize: records.count, seed: 0)
        let items = (0..<40).compactMap { epoch in sampler.batch(epoch).first { $0.index == 5 } }
        #expect(Set(items.map(pairs.caption(of:))).count == 2)
        #expect(items.map(pairs.caption(of:)) == items.map(again.caption(of:)))
    }

    // MARK: Retrieval

    @Test func `recall counts what stands among the first`() throws {
        // Three images; the first has two captions, one of which is nearest to the second image.
        let images = try Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1] as [Float], shape: [3, 3])
        let texts = try Tensor([0.9, 0.1, 0, 0.2, 0.8, 0, 0, 0.9, 0, 0, 0, 1] as [Float], shape: [4, 3])
        let metrics = try RetrievalMetrics(images: images, texts: texts, owners: [0, 0, 1, 2])
        #expect(metrics.imageToText.r1 == 1)
        #expect(metrics.textToImage.r1 == 0.75)
        #expect(metrics.textToImage.r5 == 1)
        #expect(metrics.captions == 4 && metrics.images == 3)
        // The first image has two of four captions, the others one each.
        let floor = try #require(metrics.imageToTextFloor)
        #expect(abs(floor.r1 - (0.5 + 0.25 + 0.25) / 3) < 1e-12 && floor.r5 == 1)
        #expect(abs((metrics.textToImageFloor?.r1 ?? 0) - 1 / 3) < 1e-12)
    }

    @Test func `where all is alike, recall is chance`() throws {
        let metrics = try RetrievalMetrics(
            images: .ones([20, 4]), texts: .ones([20, 4]), owners: Array(0..<20))
        #expect(abs(metrics.imageToText.r1 - 0.05) < 1e-12)
        #expect(abs(metrics.textToImage.r5 - 0.25) < 1e-12)
        #expect(metrics.chance == 0.05)
        #expect(metrics.imageToTextFloor == metrics.imageToText)
        #expect(metrics.textToImageFloor == metrics.textToImage)
    }
}
