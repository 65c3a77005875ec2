import Tensors
import Testing

@Suite struct AutogradTests {
    private struct Failure: Error {}

    @Test func `gradients add up until they are forgotten`() throws {
        let x = try Tensor([2, 3] as [Float]).requiresGrad(true)
        #expect(try x.grad == nil)
        for _ in 0..<2 { try (x * x).sum().backward() }
        #expect(try x.grad?.floats() == [8, 12])
        try x.zeroGrad()
        #expect(try x.grad == nil)
    }

    @Test func `nothing is recorded without gradients, and recording resumes after an error`() throws {
        let x = try Tensor.ones([2]).requiresGrad(true)
        #expect(try !withoutGradients { try (x * 2).requiresGrad })
        #expect(try withoutGradients { try withGradients { try (x * 2).requiresGrad } })
        #expect(throws: Failure.self) { try withoutGradients { throw Failure() } }
        #expect(try (x * 2).requiresGrad)
        #expect(try !x.detach().requiresGrad)
    }

    @Test func `autocast computes products in bfloat16 and ends after an error`() throws {
        let x = try Tensor.ones([4, 4])
        #expect(try autocast { try x.matmul(x).dtype } == .bfloat16)
        #expect(try autocast { try autocast(enabled: false) { try x.matmul(x).dtype } } == .float32)
        #expect(throws: Failure.self) { try autocast { throw Failure() } }
        #expect(try x.matmul(x).dtype == .float32)
    }

    @Test func `autocast sees weights that changed between two scopes`() throws {
        let x = try Tensor.ones([1, 2])
        let weight = try Tensor.ones([1, 2]).requiresGrad(true)
        #expect(try autocast { try x.linear(weight: weight).item() } == 2)
        try weight.mul_(3)
        #expect(try autocast { try x.linear(weight: weight).item() } == 6)
    }

    @Test func `in-place operations change leaves and are not recorded`() throws {
        let x = try Tensor([1, 2] as [Float]).requiresGrad(true)
        let other = try Tensor([10, 20] as [Float])
        #expect(try x.addScaled_(other, 0.5).floats() == [6, 12])
        #expect(try x.mul_(2).floats() == [12, 24])
        #expect(try x.mul_(other).floats() == [120, 480])
        #expect(try x.lerp_(other, 0.5).floats() == [65, 250])
        #expect(try x.add_(1).floats() == [66, 251])
        #expect(try x.copy_(other).floats() == [10, 20])
        #expect(try x.fill_(3).floats() == [3, 3])
        try (x * x).sum().backward()
        #expect(try x.grad?.floats() == [6, 6])
    }

    @Test func `a value changed after it was saved for the backward pass is an error`() throws {
        let x = try Tensor.ones([2]).requiresGrad(true)
        let y = try x.exp()
        try y.mul_(2)
        #expect(throws: TorchError.self) { try y.sum().backward() }
    }

    @Test func `a graph serves twice only if it is retained`() throws {
        let x = try Tensor.ones([2]).requiresGrad(true)
        let loss = try x.exp().sum()
        try loss.backward(retainingGraph: true)
        try loss.backward()
        #expect(throws: TorchError.self) { try loss.backward() }
    }
}
