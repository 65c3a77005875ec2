import Tensors
import Testing

@Suite struct HostTransferTests {
    @Test func `numbers come back as they went in`() throws {
        #expect(try Tensor([1.5, -2, 0.25] as [Float]).floats() == [1.5, -2, 0.25])
        #expect(try Tensor([1, .max, .min] as [Int64]).ints() == [1, .max, .min])
        #expect(try Tensor([3, 4]).dtype == .int64)
        #expect(try Tensor([true, false]).bools() == [true, false])
        #expect(try Tensor(bytes: [0, 255]).bytes() == [0, 255])
        #expect(try Tensor(doubles: [0.1]).doubles() == [0.1])
        #expect(try Tensor(scalar: 2.5).item() == 2.5)
        #expect(try Tensor(scalar: 2.5).shape == [])
        #expect(try Tensor([Float]()).floats() == [])
    }

    @Test func `elements are read in the order of the shape whatever their order in memory`() throws {
        let x = try Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3]).transpose(0, 1)
        #expect(!x.isContiguous)
        #expect(try x.floats() == [0, 3, 1, 4, 2, 5])
        #expect(try x.contiguous().isContiguous)
        let image = try Tensor((0..<24).map { Float($0) }, shape: [1, 2, 3, 4])
        let channelsLast = try image.channelsLast()
        #expect(channelsLast.isChannelsLast && !channelsLast.isContiguous)
        #expect(try channelsLast.floats() == image.floats())
    }

    @Test(arguments: [
        (DType.bfloat16, [UInt8]([0x80, 0x3F, 0x20, 0xC0])), (.float16, [0x00, 0x3C, 0x00, 0xC1]),
    ])
    func `half precision passes as bytes and reads as floats`(dtype: DType, bytes: [UInt8]) throws {
        let x = try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: [2], dtype: dtype) }
        #expect(try x.floats() == [1, -2.5])
        #expect(try Tensor([1, -2.5] as [Float]).to(dtype).bytes() == bytes)
    }

    @Test(arguments: DType.allCases)
    func `every dtype is made, named and measured`(dtype: DType) throws {
        let x = try Tensor.ones([3], dtype: dtype)
        #expect(x.dtype == dtype)
        #expect(DType(dtype.description) == dtype)
        #expect(try x.bytes().count == 3 * dtype.byteCount)
        #expect(try x.floats() == [1, 1, 1])
    }

    @Test func `an integer keeps an integer tensor what it is`() throws {
        #expect(try (Tensor([1, 2]) + 1).dtype == .int64)
        #expect(try (Tensor([1, 2]) + 1.0).dtype == .float32)
        #expect(try (Tensor([1, 2]) / 2).floats() == [0.5, 1])
    }

    @Test func `memory can be written in place`() throws {
        let x = try Tensor.zeros([2, 2])
        try x.withUnsafeMutableBytes { $0.storeBytes(of: 7, toByteOffset: 12, as: Float.self) }
        #expect(try x.floats() == [0, 0, 0, 7])
        #expect(throws: TorchError.self) { try x.slice(dim: 1, to: 1).withUnsafeBytes { _ in } }
    }

    @Test func `factories count, space and split`() throws {
        #expect(try Tensor.arange(5).ints() == [0, 1, 2, 3, 4])
        #expect(try Tensor.arange(1, 6, step: 2).ints() == [1, 3, 5])
        #expect(try Tensor.linspace(0, 1, count: 3).floats() == [0, 0.5, 1])
        #expect(try Tensor.eye(2).floats() == [1, 0, 0, 1])
        #expect(try Tensor.arange(5).split(2).map { try $0.ints() } == [[0, 1], [2, 3], [4]])
        #expect(try Tensor.arange(6).chunk(3).map { try $0.ints() } == [[0, 1], [2, 3], [4, 5]])
        #expect(try Tensor([0, 2, 2]).binCount(minimumCount: 4).ints() == [1, 0, 2, 0])
    }

    @Test func `devices are named`() {
        #expect(Device("cpu") == .cpu)
        #expect(Device("cuda") == .cuda(0))
        #expect(Device("cuda:3") == .cuda(3))
        #expect(Device("cuda:x") == nil && Device("cuda:-1") == nil && Device("gpu") == nil)
        #expect(Device.cuda(3).description == "cuda:3")
    }
}
