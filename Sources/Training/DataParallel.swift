internal import Diagnostics
internal import Layers
internal import Models
public import Tensors

/// Training in several processes, each of which handles its part of every batch.
///
/// Images, views and noise are those of one process. Gradients are averaged over the images of all processes, then
/// everybody makes the same update; batch normalisation takes its statistics from all processes. The result differs from
/// one process's by the order of sums alone. Process 0 validates, decides when to stop, and saves.
public struct DataParallel {
    /// What connects the processes.
    public let group: ProcessGroup

    /// Creates data-parallel training in a group.
    public init(_ group: ProcessGroup) { self.group = group }

    var isLeader: Bool { group.rank == 0 }

    /// The plan of this process.
    /// - Throws: a `Diagnostic` where some pass has fewer images than there are processes.
    func plan(images count: Int, microBatch: Int?) throws -> BatchPlan {
        let plan = BatchPlan(images: count, microBatch: microBatch, rank: group.rank, size: group.size)
        if let pass = plan.passes.first(where: { $0.whole.count < group.size }) {
            throw Diagnostic(
                "\(pass.whole.count) images cannot be shared by \(group.size) processes",
                hint: microBatch == nil
                    ? "raise batch_size, or use fewer processes"
                    : "let micro_batch divide batch_size, and be at least the number of processes")
        }
        return plan
    }

    /// Runs the forward pass for this process's images of a pass: noise is drawn for all, statistics are shared.
    func forward(
        _ pass: BatchPlan.Pass, drawing generator: Generator, _ body: () throws -> Tensor
    ) throws -> Tensor {
        let offset = pass.own.lowerBound - pass.whole.lowerBound
        generator.part = .init(whole: pass.whole.count, own: offset..<offset + pass.own.count)
        defer { generator.part = nil }
        return try group.sharingStatistics(body)
    }

    /// The rows of all processes, below each other: this process's keep their gradient.
    ///
    /// A loss that every process computes from all rows has its gradient in every process. It is scaled so that it comes
    /// out once where a pass's loss is weighted by the process's share of the images, as ``WeightUpdate`` does.
    func rows(_ own: Tensor, of pass: BatchPlan.Pass) throws -> Tensor {
        try rows(own, from: pass.own.lowerBound - pass.whole.lowerBound, of: pass.whole.count, in: pass)
    }

    /// The same of a table in which this process's rows begin at some place, of so many in all processes.
    func rows(
        _ own: Tensor, from first: Int, of count: Int, in pass: BatchPlan.Pass
    ) throws -> Tensor {
        let own = try own.to(.float32)
        let (width, end) = (own.shape[1], first + own.shape[0])
        let table = try withoutGradients {
            try Tensor.cat([
                .zeros([first, width]).to(own.device), own.detach(),
                .zeros([count - end, width]).to(own.device),
            ])
        }
        try group.sum([table])
        let scale = Double(pass.whole.count) / Double(pass.own.count)
        return try Tensor.cat([
            table.slice(dim: 0, from: 0, to: first), own + (own - own.detach()) * (scale - 1),
            table.slice(dim: 0, from: end, to: count),
        ])
    }

    /// What a mean over this process's units is multiplied by, so that means weighted by images come out as the mean over
    /// the units of all processes.
    func weight(units: Int, of pass: BatchPlan.Pass) throws -> Double {
        let total = try Tensor(doubles: [Double(units)])
        try group.sum([total])
        let all = try total.doubles()[0]
        return all > 0
            ? Double(units) / all * Double(pass.whole.count) / Double(pass.own.count) : 1
    }

    /// What process 0 says, in every process.
    func agree(_ values: [Double]) throws -> [Double] {
        let tensor = try Tensor(doubles: values)
        try group.broadcast([tensor])
        return try tensor.doubles()
    }
}
