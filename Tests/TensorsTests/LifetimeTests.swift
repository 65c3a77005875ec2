import Foundation
import Tensors
import Testing

@Suite struct LifetimeTests {
    // Other tests run beside these and hold a few tensors of their own; a leak of one handle a round would
    // hold thousands.
    private static let rounds = 5_000, allowance = 1_000

    @Test func `a chain of temporaries computes the right value and leaves nothing alive`() throws {
        let before = Tensor.liveCount
        for round in 0..<Self.rounds {
            let value = Float(round % 17)
            let result = try
                (Tensor([value, value]) * Tensor([2, 3] as [Float]) + Tensor([1, 1] as [Float]))
                .reshape(2, 1).matmul(Tensor([1, 1] as [Float], shape: [1, 2])).sum().item()
            #expect(result == Double(2 * (5 * value + 2)))
        }
        #expect(Tensor.liveCount - before < Self.allowance)
    }

    @Test func `operations that fail leave nothing alive`() throws {
        let before = Tensor.liveCount
        for _ in 0..<Self.rounds {
            #expect(throws: TorchError.self) { try Tensor.ones([2]).matmul(Tensor.ones([3])) }
            #expect(throws: TorchError.self) { try Tensor.ones([2]).topK(3) }
        }
        #expect(Tensor.liveCount - before < Self.allowance)
    }

    @Test func `training steps leave nothing alive`() throws {
        let weight = try Tensor.ones([4, 4]).requiresGrad(true)
        let optimizer = try AdamW([ParameterGroup([("weight", weight)])], learningRate: 0.01)
        let generator = try Generator(seed: 1)
        let before = Tensor.liveCount
        for _ in 0..<1_500 {
            try optimizer.zeroGrad()
            let x = try generator.normal([2, 4])
            try x.linear(weight: weight).gelu().dropout(0.1, generator: generator).sum().backward()
            try clipGradNorm(optimizer.parameters, maxNorm: 1)
            try optimizer.step()
        }
        #expect(Tensor.liveCount - before < Self.allowance)
        #expect(try weight.isFinite().all().item() == 1)
    }

    @Test func `traces leave nothing alive`() throws {
        let x = try Tensor.ones([2])
        let before = Tensor.liveCount
        for _ in 0..<1_500 {
            let trace = try Trace(of: [x], outputs: 1) { [try x.relu() + Tensor.ones([2])] }
            #expect(trace.nodes.count == 3)
            #expect(throws: TorchError.self) {
                try Trace(of: [x], outputs: 1) { [try x.matmul(Tensor.ones([3]))] }
            }
        }
        #expect(Tensor.liveCount - before < Self.allowance)
    }

    @Test func `threads work on tensors of their own`() throws {
        let sums = Sums()
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            let total = try? withoutGradients {
                try (0..<300).reduce(0.0) { total, _ in
                    try total + Tensor.full([16], index).softmax(0).sum().item()
                }
            }
            sums.add(total ?? .nan)
        }
        #expect(abs(sums.total - 2400) < 1e-2)
    }

    private final class Sums: @unchecked Sendable {
        // Guarded by the lock.
        private var value = 0.0
        private let lock = NSLock()
        var total: Double { lock.withLock { value } }
        func add(_ number: Double) { lock.withLock { value += number } }
    }
}
