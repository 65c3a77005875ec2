import Foundation
import Tensors
import Testing

@Suite struct TorchTests {
    @Test func `the loaded library is the one this program was built for`() throws {
        // It throws where the two differ.
        try Torch.load()
        #expect(Torch.compiledVersion.split(separator: ".").count >= 3)
    }

    @Test func `threads are counted, and a loader thread can be confined to itself`() throws {
        let others = Torch.threads
        let confined = Threads()
        let thread = Thread {
            Torch.useOneThreadHere()
            confined.count = Torch.threads
            confined.finished.signal()
        }
        thread.start()
        confined.finished.wait()
        #expect(confined.count == 1)
        #expect(Torch.threads == others)
        #expect(throws: TorchError.self) { try Torch.setThreads(0) }
    }

    private final class Threads: @unchecked Sendable {
        // Written before the semaphore is signalled and read after.
        var count = 0
        let finished = DispatchSemaphore(value: 0)
    }

    @Test func `deterministic kernels give the same bits twice`() throws {
        try Torch.setDeterministic(true)
        defer { try? Torch.setDeterministic(false) }
        func gradient() throws -> [UInt8] {
            let table = try Tensor.ones([4, 8]).requiresGrad(true)
            let rows = try table.indexSelect(dim: 0, Tensor([0, 1, 0, 3, 0]))
            try (rows * rows).sum().backward()
            return try table.grad?.bytes() ?? []
        }
        #expect(try gradient() == gradient())
    }

    @Test func `synchronizing the CPU does nothing`() throws { try Torch.synchronize(.cpu) }

    @Test func `a TorchScript model loads and runs`() throws {
        let script = try TorchScript(Goldens.folder.appending(path: "linear.pt"))
        let output = try script.forward(Tensor.ones([1, 3]), Tensor([10, 20] as [Float]))
        #expect(try output.floats() == [13, 32])
    }

    @Test func `a script that fails says why in one line`() throws {
        let script = try TorchScript(Goldens.folder.appending(path: "linear.pt"))
        let error = #expect(throws: TorchError.self) {
            try script.forward(Tensor.ones([1, 4]), Tensor.ones([2]))
        }
        #expect(error?.message == "mat1 and mat2 shapes cannot be multiplied (1x4 and 3x2)")
        #expect(throws: TorchError.self) { try TorchScript(URL(filePath: "/nowhere/model.pt")) }
    }
}
