import Tensors
import Testing

@Suite struct TorchErrorTests {
    private func failure(_ body: () throws -> Void) throws -> TorchError {
        try #require(#expect(throws: TorchError.self) { try body() })
    }

    @Test func `an error names the operation and says in one line what is wrong`() throws {
        let error = try failure { _ = try Tensor.ones([2, 3]).matmul(Tensor.ones([2, 3])) }
        #expect(error.code == .shape)
        #expect(error.description == "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
    }

    @Test func `an operator is named by its sign`() throws {
        let error = try failure { _ = try Tensor.ones([2]) + Tensor.ones([3]) }
        #expect(error.operation == "+")
        #expect(error.code == .shape)
    }

    @Test func `each kind of failure has its code`() throws {
        let x = try Tensor.ones([2, 3])
        #expect(try failure { _ = try x.softmax(5) }.code == .index)
        #expect(try failure { _ = try x.select(dim: 0, index: 2) }.code == .index)
        #expect(try failure { _ = try x.reshape(4, 2) }.code == .shape)
        #expect(try failure { _ = try Tensor.cat([x, Tensor.ones([2])]) }.code == .shape)
        #expect(try failure { _ = try x.conv2d(weight: Tensor.ones([1, 1, 3])) }.code == .shape)
        #expect(try failure { _ = try x.linear(weight: Tensor.ones([2, 3], dtype: .float64)) }.code == .type)
        #expect(try failure { _ = try x.embedding(x) }.code == .type)
        #expect(try failure { _ = try Tensor([1, 2]).softmax(0) }.code == .notImplemented)
        #expect(try failure { _ = try x.crossEntropy(Tensor([0, 1, 2])) }.code == .shape)
        #expect(try failure { _ = try x.item() }.code == .shape)
    }

    @Test func `running out of memory is an error that says what to do`() throws {
        let error = try failure { _ = try Tensor.empty([1 << 50]) }
        #expect(error.code == .outOfMemory)
        #expect(error.hint?.hasPrefix("lower the batch size") == true)
    }

    @Test(.enabled(if: !Torch.cudaAvailable))
    func `a device that is not there is an error that says why`() throws {
        let error = try failure { _ = try Tensor.ones([2]).to(.cuda(0)) }
        #expect(error.code == .notImplemented || error.code == .device)
        #expect(error.message.hasPrefix("there is no device cuda:0; "))
        #expect(Torch.cudaUnavailableReason?.isEmpty == false)
    }

    @Test func `bytes that do not fill a shape are refused`() throws {
        let error = try failure { _ = try Tensor(bytes: [1, 2, 3], shape: [2, 2]) }
        #expect(
            error.description
                == "Tensor: shape [2, 2] of unsigned char takes 4 bytes, but 3 bytes were given")
    }
}
