internal import Engine
public import Foundation
internal import Search
internal import Tensors

/// The embeddings from which a transfer set was chosen, as long as they lie in the store: for maps.
public struct StoredEmbeddings {
    private let set: EmbeddingSet

    /// Finds the embeddings behind the index of a transfer set; nil when they are not in the store any more.
    public init?(of artifact: URL, store: URL) {
        guard let record = try? ArtifactRecord.read(at: artifact),
            let index = record.inputs.first(where: { $0.kind == SearchIndex.kind }),
            let opened = try? SearchIndex(
                ArtifactLocation(directory: store.appending(path: index.key), node: index.node, store: store)
            ).embeddings()
        else { return nil }
        set = opened
    }

    /// The places of some images on the plane in which they vary most (principal components, by subspace
    /// iteration), in the order of `ids`; nil for an image that was not embedded.
    public func plane(of ids: [String]) throws -> [SIMD2<Float>?] {
        let shards = try set.shards()
        let rowOf = Dictionary(
            shards.ids.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        let rows = ids.compactMap { rowOf[$0] }
        guard rows.count > 2 else { return ids.map { _ in nil } }
        let table = try shards.table(rows: rows)
        let all = try Tensor(table.values, shape: [rows.count, table.dimension])  // [N, D]
        let centred = try all - all.mean(0, keepingDim: true)
        // Any fixed beginning will do, as long as it is not at a right angle to the answer.
        var basis = (0..<2 * table.dimension).map { Float(($0 &* 2_654_435_761) % 1_009) / 1_009 - 0.5 }
        for _ in 0..<24 {
            // [D, 2]
            let columns = try Tensor(orthonormal(basis), shape: [2, table.dimension]).transpose(0, 1)
            basis = try centred.transpose(0, 1).matmul(centred.matmul(columns)).transpose(0, 1)
                .contiguous().floats()
        }
        let columns = try Tensor(orthonormal(basis), shape: [2, table.dimension]).transpose(0, 1)
        let places = try centred.matmul(columns).contiguous().floats()  // [N, 2]
        var next = 0
        return ids.map { id in
            guard rowOf[id] != nil else { return nil }
            defer { next += 1 }
            return SIMD2(places[2 * next], places[2 * next + 1])
        }
    }

    /// Two vectors, one after the other, made perpendicular and of length one.
    private func orthonormal(_ pair: [Float]) -> [Float] {
        let half = pair.count / 2
        func unit(_ vector: [Float]) -> [Float] {
            let length = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / max(length, 1e-20) }
        }
        let first = unit(Array(pair[..<half]))
        let second = Array(pair[half...])
        let shared = zip(first, second).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        return first + unit(zip(first, second).map { $1 - shared * $0 })
    }
}
