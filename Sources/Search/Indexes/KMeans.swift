internal import CFaiss

/// Cluster centres of unit vectors.
public enum KMeans {
    /// Finds `k` centres of unit length by spherical k-means; the same seed gives the same centres.
    public static func centroids(
        of rows: VectorTable, count k: Int, iterations: Int = 25, seed: UInt64 = 0
    ) throws -> VectorTable {
        let rows = try unit(rows)
        var centroids = [Float](repeating: 0, count: max(0, k) * rows.dimension)
        try check("k-means") {
            cf_kmeans(
                Int64(rows.dimension), Int64(rows.count), rows.values, Int64(k), Int32(iterations),
                Int32(truncatingIfNeeded: seed & 0x7fff_ffff), true, &centroids)
        }
        return VectorTable(centroids, dimension: rows.dimension, name: "centroids of \(rows.name)")
    }
}
