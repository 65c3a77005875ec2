import Engine
import Foundation
import Layers
import Models
import Tensors
import Training

/// What the machine reaches: matrix products, and the training of a small student.
struct SpeedCheck {
    let device: Device

    /// The student that is trained.
    private static let student = "vit_tiny_patch16_224"

    /// Measures everything, in half a minute.
    func all() throws -> [HealthCheck] {
        let products = try [DType.float32, .bfloat16].map { (type: $0, rate: try product($0)) }
        let named = products.map { type, rate in
            HealthCheck(
                "matrix product \(type)", String(format: "%.3f TFLOP/s", rate), value: rate, unit: "TFLOP/s")
        }
        return try named + [training(ceiling: products[1].rate)]
    }

    /// Operations a second of a square matrix product, in units of 10¹²: the best of several.
    private func product(_ type: DType) throws -> Double {
        let side = device.isCUDA ? 8192 : 2048
        let matrix = try Generator(seed: 0).normal([side, side], deviation: 1).to(device).to(type)
        let seconds = try fastest(of: 8) { _ = try withoutGradients { try matrix.matmul(matrix) } }
        return 2 * pow(Double(side), 3) / seconds / 1e12
    }

    /// Updates of a small student in bf16, images in memory.
    private func training(ceiling: Double) throws -> HealthCheck {
        let batch = device.isCUDA ? 256 : 16
        let classes = (0..<10).map { "\($0)" }
        let generator = try Generator(seed: 0)
        let model = try LoadedModel.initialize(
            ModelRegistry.defaults(for: Self.student), classes: classes, generator: generator, device: device)
        var recipe = Recipe(steps: 1000, batchSize: batch, learningRate: 1e-4, seed: 0)
        recipe.precision = .bf16
        let update = try WeightUpdate(model, recipe: recipe)
        let size = model.card.configuration.imageSize
        let images = try generator.normal([batch, 3, size, size], deviation: 1).to(device)
        let labels = try Tensor((0..<batch).map { $0 % classes.count }).to(device)
        var step = 0
        let seconds = try fastest(of: 4) {
            _ = try update(step: step, images: batch) { _ in
                try Loss.crossEntropy(model.network(images, mode: .training), labels)
            }
            step += 1
        }
        let throughput = Throughput(
            images: batch, seconds: seconds, waited: 0,
            operations: 3 * (try ForwardCost(of: model).operations))
        return HealthCheck(
            "training \(Self.student)",
            String(
                format: "%.1f images/s in bf16 (%.3f TFLOP/s, %.0f %% of the matrix product)",
                throughput.imagesPerSecond, throughput.teraflops, 100 * throughput.teraflops / ceiling),
            value: throughput.imagesPerSecond, unit: "images/s")
    }

    /// The shortest of several times of the same thing, after one that does not count.
    private func fastest(of count: Int, _ body: () throws -> Void) throws -> Double {
        try body()
        try Torch.synchronize(device)
        return try (0..<count).map { _ in
            try ContinuousClock().measure {
                try body()
                try Torch.synchronize(device)
            }.seconds
        }.min() ?? .infinity
    }
}
