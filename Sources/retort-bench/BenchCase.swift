import Models
import Tensors
import Training

/// A way to do the same with the usual libraries.
struct Peer {
    var name: String
    /// Whether the script compiles its network first.
    var isCompiled = false
}

/// One thing whose speed is compared, under the name it has in `bench.jsonl`.
struct BenchCase {
    /// What is done again and again.
    enum Work: String {
        /// Forward and backward pass and the update, on images in memory.
        case train
        /// The forward pass of a teacher.
        case label
        /// An update of a student on stored answers; the peer asks its teacher for every batch.
        case distill
        /// JPEG files to batches of augmented pixels.
        case decode
        /// The nearest rows of a gallery in memory, for all queries at once.
        case search
    }

    var work: Work
    /// The network; for `decode` the size of the files, for `search` rows, values, queries and neighbours.
    var model = ""
    /// The teacher that `distill` is about.
    var teacher = ""
    /// The side of the images in pixels.
    var size = 224
    var batch = 32
    /// `fp32` or `bf16`; for `decode` and `distill` what the name ends with.
    var variant = "bf16"

    var name: String {
        switch work {
        case .train, .label: "\(work)/\(model)/\(variant)"
        case .distill: "distill/\(teacher)-\(model)/cached"
        case .decode: "decode/\(model)-\(size)"
        case .search: "search/\(model)"
        }
    }

    /// What we are compared with.
    var peers: [Peer] {
        if work == .decode { return [Peer(name: "PIL + DataLoader")] }
        if work == .search { return [Peer(name: "faiss-cpu IndexFlatIP")] }
        // Channels last crashes there; see networks.py.
        if model.hasPrefix("fastvit") { return [Peer(name: "PyTorch eager, contiguous")] }
        let eager = Peer(name: "PyTorch eager")
        // What is compiled in minutes is not worth the wait for networks that nobody compiles on a processor.
        guard model.hasPrefix("vit"), work != .distill else { return [eager] }
        return [
            eager, Peer(name: work == .label ? "torch.compile, frozen" : "torch.compile", isCompiled: true),
        ]
    }

    /// The script of the peer.
    var script: String {
        switch work {
        case .train, .label, .distill: "networks.py"
        case .decode: "decode.py"
        case .search: "search.py"
        }
    }

    /// What a rate counts.
    var unit: String { work == .search ? "queries/s" : "images/s" }

    /// Rows, values, queries and neighbours of a search: `200000x384-1000-100`.
    var searchSizes: (rows: Int, dimension: Int, queries: Int, k: Int) {
        let numbers = model.split { $0 == "x" || $0 == "-" }.compactMap { Int($0) }
        precondition(numbers.count == 4, "'\(model)' names no search: this is a bug in Retort")
        return (numbers[0], numbers[1], numbers[2], numbers[3])
    }

    /// The cases of `make bench`, quick ones first.
    static let all = [
        BenchCase(work: .search, model: "200000x384-1000-100"),
        BenchCase(work: .decode, model: "500x375", size: 64, batch: 64, variant: ""),
        BenchCase(work: .decode, model: "500x375", size: 224, batch: 64, variant: ""),
        BenchCase(work: .train, model: "vit_tiny_patch4_32", size: 32, batch: 64),
        BenchCase(work: .train, model: "mobilenetv2_mini", size: 32, batch: 64, variant: "fp32"),
        BenchCase(work: .train, model: "mobilenetv2_mini", size: 32, batch: 64),
        BenchCase(work: .train, model: "vit_tiny_patch16_224"),
        BenchCase(work: .train, model: "vit_small_patch16_224", batch: 16),
        BenchCase(work: .train, model: "mobilenetv2_100", batch: 16),
        BenchCase(work: .train, model: "fastvit_t8", size: 256, batch: 16),
        BenchCase(work: .train, model: "resnet18", batch: 16),
        BenchCase(work: .label, model: "vit_small_patch16_224"),
        BenchCase(work: .label, model: "vit_base_patch16_224", batch: 16),
        BenchCase(work: .label, model: "vit_large_patch14_dinov2", batch: 8),
        BenchCase(
            work: .distill, model: "vit_tiny_patch16_224", teacher: "vit_base_patch16_224", batch: 16),
    ]

    /// The network; the tiny transformer for small images is a preset with other sizes.
    func configuration(_ name: String) throws -> ModelConfiguration {
        guard name == "vit_tiny_patch4_32" else {
            return try ModelRegistry.defaults(for: name, imageSize: size, classCount: 1000)
        }
        var configuration = try ModelRegistry.defaults(
            for: "vit_surrogate_patch4_32", imageSize: size, classCount: 1000)
        configuration.options["depth"] = 12
        return configuration
    }

    /// The operations of one forward pass of one image, twice the multiplications; nil where there is no network.
    func forwardOperations() throws -> Double? {
        guard work != .decode, work != .search else { return nil }
        let model = try LoadedModel.initialize(
            configuration(model), classes: (0..<1000).map { "\($0)" }, generator: Generator(seed: 0),
            device: .cpu)
        return try ForwardCost(of: model).operations
    }
}
