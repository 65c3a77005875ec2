import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Search
import Tensors
import Training
import Vision

/// What one side of a comparison reports.
struct Measurement: Codable {
    /// Images, or queries, a second: the median over the repetitions of a run.
    var rate: Double
    /// Processor seconds for a thousand images; nil where they are not counted.
    ///
    /// Other programs on the machine disturb them less than a rate.
    var processorSeconds: Double?
    /// Numbers that both sides must agree on: losses of the first updates, or answers.
    var values: [Double]
}

/// Our side of a comparison, measured in a process of its own.
struct OwnMeasurement {
    let bench: BenchCase
    /// The folder with what both sides start from.
    let folder: URL
    let seconds: Double

    static let inputs = "inputs.safetensors"
    /// The updates that are made before time is taken, whose losses are compared.
    static let comparedSteps = 3

    func run() throws -> Measurement {
        switch bench.work {
        case .train: try train()
        case .label: try label()
        case .distill: try distill()
        case .decode: try decode()
        case .search: try search()
        }
    }

    private func inputs() throws -> [String: Tensor] {
        try SafetensorsFile(folder.appending(path: Self.inputs)).state()
    }

    private func tensor(_ name: String, in state: [String: Tensor]) throws -> Tensor {
        guard let tensor = state[name] else {
            throw Diagnostic("\(Self.inputs) lacks '\(name)'", exitCode: .badData)
        }
        return tensor
    }

    private func model(_ name: String, _ state: [String: Tensor], prefix: String) throws -> LoadedModel {
        let configuration = try bench.configuration(name)
        var weights: [String: Tensor] = [:]
        for (key, tensor) in state where key.hasPrefix(prefix) {
            weights[String(key.dropFirst(prefix.count))] = tensor
        }
        let (network, parameters) = try ModelRegistry.load(configuration, from: weights)
        return try LoadedModel(
            card: ModelCard(configuration: configuration, classes: []), network: network,
            parameters: parameters, device: .cpu)
    }

    private var recipe: Recipe {
        var recipe = Recipe(steps: 1_000_000, batchSize: bench.batch, learningRate: 1e-4, seed: 0)
        recipe.warmup = 0
        recipe.gradientClip = nil
        recipe.schedule = .constant
        recipe.precision = bench.work == .distill || bench.variant == "bf16" ? .bf16 : .fp32
        return recipe
    }

    private func train() throws -> Measurement {
        let state = try inputs()
        let model = try model(bench.model, state, prefix: "model.")
        let labels = try tensor("labels", in: state)
        return try measureUpdates(of: model, on: tensor("images", in: state)) {
            try Loss.crossEntropy($0, labels)
        }
    }

    private func distill() throws -> Measurement {
        let state = try inputs()
        let student = try model(bench.model, state, prefix: "model.")
        let images = try tensor("images", in: state)
        // What a `label` stage has stored.
        let teacher = try model(bench.teacher, state, prefix: "teacher.")
        let answers = try withoutGradients {
            try Recipe.Precision.bf16.run(on: .cpu) { try teacher.network(images, mode: .evaluation) }
                .to(.float32)
        }
        return try measureUpdates(of: student, on: images) { logits in
            try Loss.distillation(teacher: answers, student: logits, temperature: 1)
        }
    }

    private func measureUpdates(
        of model: LoadedModel, on images: Tensor, loss: (Tensor) throws -> Tensor
    ) throws -> Measurement {
        let update = try WeightUpdate(model, recipe: recipe)
        var step = 0
        func next() throws -> Double {
            defer { step += 1 }
            return try Double(
                update(step: step, images: bench.batch) { _ in
                    try loss(model.network(images, mode: .training))
                }.loss.item())
        }
        let losses = try (0..<Self.comparedSteps).map { _ in try next() }
        return Measurement(rate: try rate { _ = try next() }, values: losses)
    }

    private func label() throws -> Measurement {
        let state = try inputs()
        let teacher = try model(bench.model, state, prefix: "model.")
        let images = try tensor("images", in: state)
        func answer() throws -> Tensor {
            try withoutGradients {
                try Recipe.Precision.bf16.run(on: .cpu) { try teacher.network(images, mode: .evaluation) }
            }
        }
        let values = try answer().to(.float32).slice(dim: 0, from: 0, to: 2).floats()
        return Measurement(rate: try rate { _ = try answer() }, values: values.map(Double.init))
    }

    private func search() throws -> Measurement {
        let sizes = bench.searchSizes
        let gallery = try NpyFile(folder.appending(path: "gallery.npy")).table()
        let queries = try NpyFile(folder.appending(path: "queries.npy")).table()
        let search = NeighbourSearch(k: sizes.k)
        let found = try search.search(queries, in: gallery)
        return Measurement(
            rate: try rate(images: sizes.queries) { _ = try search.search(queries, in: gallery) },
            values: found.rows.map(Double.init))
    }

    private func decode() throws -> Measurement {
        let source = try ImageFolderSource(root: folder.appending(path: "images"))
        let records = source.members().map { member in
            ImageRecord(
                id: member.member, dataset: "bench", member: member.member, label: 0, width: 500,
                height: 375)
        }
        let provider = ImageProvider(["bench": source], cacheBytes: 0)
        let policy = ViewPolicy.training(TrainingViews(scale: 0.35...1))
        let (batch, size) = (bench.batch, ViewSize(bench.size))
        var round = 0
        let start = Self.processorSeconds()
        let rate = try rate(images: records.count) {
            round += 1
            let number = round
            let loader = BatchLoader(
                provider, batches: 0..<records.count / batch, sizes: [size],
                workers: Torch.threads
            ) { index in
                (index * batch..<(index + 1) * batch).map { ImageView(records[$0], policy, number: number) }
            }
            while let next = try loader.next() { _ = try next.tensor(size) }
        }
        let spent = (Self.processorSeconds() - start) / Double(round * records.count)
        return Measurement(rate: rate, processorSeconds: spent * 1000, values: [])
    }

    /// What this process has spent, on all threads and in the system.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Images a second of something that handles a batch: the median over `seconds`, after one warm-up.
    private func rate(images: Int? = nil, _ body: () throws -> Void) throws -> Double {
        let clock = ContinuousClock()
        try body()
        var times: [Double] = []
        while times.reduce(0, +) < seconds || times.count < 3 {
            let took = try clock.measure { try body() }
            times.append(Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18)
        }
        return Double(images ?? bench.batch) / times.sorted()[times.count / 2]
    }
}
