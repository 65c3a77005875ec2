import Layers
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct LossTests {
    func check(_ name: String, _ loss: (Tensor) throws -> Tensor) throws {
        let file = try SafetensorsFile(results)
        let student = try Fixtures.tensor("student", 4, 5, scale: 3).requiresGrad(true)
        let value = try loss(student)
        try value.backward()
        #expect(try Tolerance.float32.mismatch(value, file, "\(name).value") == nil)
        #expect(try Tolerance.float32.mismatch(#require(try student.grad), file, "\(name).gradient") == nil)
    }

    @Test func `cross-entropy is PyTorch's, smoothed or not`() throws {
        let labels = try Tensor([3, 0, 2, 2] as [Int])
        try check("cross_entropy") { try Loss.crossEntropy($0, labels) }
        try check("cross_entropy.smoothed") { try Loss.crossEntropy($0, labels, labelSmoothing: 0.1) }
    }

    @Test(arguments: [1, 4])
    func `distillation is the forward divergence times the squared temperature`(temperature: Int) throws {
        let teacher = try Fixtures.tensor("teacher", 4, 5, scale: 3)
        try check("distillation.t\(temperature)") {
            try Loss.distillation(teacher: teacher, student: $0, temperature: Double(temperature))
        }
    }

    @Test func `a student that agrees has nothing to learn`() throws {
        let teacher = try Fixtures.tensor("teacher", 4, 5, scale: 3)
        #expect(abs(try Loss.distillation(teacher: teacher, student: teacher, temperature: 2).item()) < 1e-6)
    }

    @Test func `InfoNCE is the cross-entropy of cosines over the batch`() throws {
        let teacher = try Fixtures.tensor("teacher", 4, 5, scale: 3)
        try check("info_nce") { try Loss.infoNCE(projected: $0, target: teacher) }
    }
}

@Suite struct ScheduleTests {
    @Test func `a cosine rises linearly, then falls to its floor`() {
        let schedule = Schedule(.cosine, steps: 104, warmUp: 4, floor: 0.01)
        #expect((0..<4).map(schedule.factor) == [0.25, 0.5, 0.75, 1])
        #expect(schedule.factor(at: 4) == 1)
        #expect(abs(schedule.factor(at: 103) - 0.01) < 1e-12)
        #expect(schedule.factor(at: 500) == schedule.factor(at: 103))
        #expect(zip(5..<104, 4..<103).allSatisfy { schedule.factor(at: $0) < schedule.factor(at: $1) })
    }

    @Test func `a constant stays at its height`() {
        let schedule = Schedule(.constant, steps: 10, warmUp: 2)
        #expect([0, 1, 2, 9].map(schedule.factor) == [0.5, 1, 1, 1])
    }

    @Test func `a stable rate falls over the last fifth`() {
        let schedule = Schedule(.warmupStableDecay, steps: 100, warmUp: 4, floor: 0.1)
        #expect((4..<80).allSatisfy { schedule.factor(at: $0) == 1 })
        #expect(abs(schedule.factor(at: 89) - 0.55) < 1e-12)
        #expect(abs(schedule.factor(at: 99) - 0.1) < 1e-12)
        #expect(schedule.factor(at: 500) == schedule.factor(at: 99))
    }

    @Test func `a run shorter than its warm-up ends at the full rate`() {
        #expect(Schedule(.cosine, steps: 3, warmUp: 10).factor(at: 2) == 1)
        #expect(Schedule(.cosine, steps: 1).factor(at: 0) == 1)
    }
}
