import Layers
import Tensors
import TestSupport
import Testing

/// Losses of answers for every pixel.
@Suite struct DenseLossTests {
    private let unknown = Float.nan

    @Test func `classes that are not numbers do not count`() throws {
        let logits = try Fixtures.tensor("logits", 2, 3, 2, 2)
        let numbers: [Float] = [2, unknown, 0, 1, 1, 1, unknown, unknown]
        let target = try Tensor(numbers, shape: [2, 1, 2, 2])
        let expected = try Loss.pixelCrossEntropy(
            logits, Tensor(numbers.map { $0.isNaN ? -100 : Int($0) }, shape: [2, 2, 2]))
        #expect(try Loss.classes(logits, target).item() == expected.item())
    }

    @Test func `depths that differ by a scale and a shift are the same`() throws {
        let truth: [Float] = [1, 2, 4, unknown, 10, 30, 20, 25]
        // Another scale and shift for each of the images, and anything where nothing is known.
        let output: [Float] = [3, 5, 9, 1e6, -1, 1, 0, 0.5]
        let (a, b) = (
            try Tensor(output, shape: [2, 1, 2, 2]), try Tensor(truth, shape: [2, 1, 2, 2])
        )
        #expect(try abs(Loss.depth(a, b).item()) < 1e-5)
        #expect(try Loss.depth(-a, b).item() > 1)
        // By hand: 1 2 3 and 1 3 2 have mean 2 and deviation 2/3, and differ by 1.5 twice.
        let loss = try Loss.depth(
            Tensor([1, 2, 3] as [Float], shape: [1, 1, 1, 3]),
            Tensor([1, 3, 2] as [Float], shape: [1, 1, 1, 3]))
        #expect(try abs(loss.item() - 1) < 1e-6)
    }

    @Test func `a wall of one depth and an image without a map have finite gradients`() throws {
        for value in [Float(5), unknown] {
            let output = try Fixtures.tensor("depth", 2, 1, 3, 3)
            try output.requiresGrad(true)
            let loss = try Loss.depth(output, .full([2, 1, 3, 3], value))
            try loss.backward()
            #expect(try loss.item().isFinite)
            #expect(try output.grad?.isFinite().all().item() == 1)
        }
    }

    @Test func `normals are compared by direction`() throws {
        let truth = try Tensor([0, 1, unknown, 0, 0, unknown, 1, 0, unknown], shape: [1, 3, 1, 3])
        let output = try Tensor([0, 0, 3, 0, 2, 1, 5, 0, 4] as [Float], shape: [1, 3, 1, 3])
        try output.requiresGrad(true)
        // The first is right whatever its length, the second at right angles, the third does not count.
        let cosine = try Loss.normals(output, truth, distance: .cosine)
        #expect(try abs(cosine.item() - 0.5) < 1e-6)
        #expect(try abs(Loss.normals(output, truth, distance: .l1).item() - 1) < 1e-6)
        try cosine.backward()
        let gradient = try #require(try output.grad).floats()
        #expect(gradient.allSatisfy(\.isFinite) && gradient[2] == 0 && gradient[5] == 0 && gradient[8] == 0)
    }
}
