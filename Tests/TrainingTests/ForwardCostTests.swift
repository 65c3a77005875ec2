import Layers
import Models
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite struct ForwardCostTests {
    private func cost(
        _ architecture: String, classes: Int = 1000, options: [String: ModelOption] = [:]
    ) throws -> Double {
        var configuration = try ModelRegistry.defaults(for: architecture)
        configuration.options.merge(options) { $1 }
        let model = try LoadedModel.initialize(
            configuration, classes: (0..<classes).map { "\($0)" }, generator: Generator(seed: 0), device: .cpu
        )
        return try ForwardCost(of: model).multiplications
    }

    /// Multiply-adds as timm's tables have them, in units of 10⁹.
    @Test(arguments: [
        ("resnet50", 4.1), ("vit_small_patch16_224", 4.6), ("mobilenetv2_100", 0.3), ("resnet18", 1.8),
        ("vit_tiny_patch16_224", 1.3), ("mobilevitv2_050", 0.5), ("fastvit_t8", 0.7),
    ])
    func `multiply-adds are those of the literature`(_ architecture: String, _ billions: Double) throws {
        // fastvit and mobilevitv2 are listed for 256 pixels, which is their own size.
        // Where one token alone is read, the last block does less than the tables say.
        let options: [String: ModelOption] = architecture.hasPrefix("vit") ? ["pool": "avg"] : [:]
        let found = try cost(architecture, options: options) / 1e9
        #expect(abs(found - billions) <= 0.05 + 0.03 * billions, "\(architecture): \(found)")
    }

    @Test func `a transformer's products are all counted, once`() throws {
        // Four blocks of width 96 on 65 tokens, patches of 4 × 4 pixels, a head of 10 classes.
        let (width, tokens) = (96.0, 65.0)
        let block = 12 * tokens * width * width + 2 * tokens * tokens * width
        let ends = 64 * 48 * width + 10 * width
        #expect(try cost("vit_mini_patch4_32", classes: 10, options: ["pool": "avg"]) == 4 * block + ends)
        // The last block makes keys and values of all tokens, and the rest of the class token alone.
        let last = 3 * tokens * width * width + 2 * tokens * width + 9 * width * width
        #expect(try cost("vit_mini_patch4_32", classes: 10) == 3 * block + last + ends)
    }

    @Test func `a script is counted by what it runs`() throws {
        let model = try ScriptFile(Fixtures.url("torchscript/scripted.pt")).model(
            ScriptFile.Declaration(output: .features, imageSize: 32, preprocessing: .imageNet))
        #expect(try ForwardCost(of: model).multiplications == Double(16 * 16 * 8 * 27 + 8 * 8 * 16 * 72))
        let traced = try ScriptFile(Fixtures.url("torchscript/traced.pt")).model(
            ScriptFile.Declaration(output: .features, imageSize: 32, preprocessing: .imageNet))
        let (width, tokens) = (24.0, 17.0)
        let blocks = 2 * (12 * tokens * width * width + 2 * tokens * tokens * width)
        #expect(try ForwardCost(of: traced).multiplications == blocks + 16 * 192 * width)
    }

    @Test func `counting ends where it began, also after an error`() throws {
        struct Wrong: Error {}
        let (a, b) = try (Tensor.ones([3, 4]), Tensor.ones([4, 5]))
        #expect(throws: Wrong.self) { _ = try countingMultiplications { throw Wrong() } }
        #expect(try countingMultiplications { _ = try a.matmul(b) } == 60)
        #expect(try countingMultiplications {} == 0)
        #expect(throws: TorchError.self) {
            _ = try countingMultiplications { _ = try countingMultiplications {} }
        }
        #expect(try countingMultiplications { _ = try a.matmul(b) } == 60)
    }

    @Test func `a rate in images and in operations`() {
        let throughput = Throughput(images: 100, seconds: 4, waited: 1, operations: 8e9)
        #expect(throughput.imagesPerSecond == 25)
        #expect(throughput.dataWait == 0.25)
        #expect(throughput.teraflops == 0.2)
    }
}
