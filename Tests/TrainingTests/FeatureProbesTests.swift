import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite struct FeatureProbesTests {
    /// Points around one centre for each class, `noise` away from it.
    private func clusters(_ count: Int, classes: Int, noise: Double) throws -> (Tensor, [Int]) {
        let dim = 6
        let centres = Fixtures.noise("centres", [classes * dim])
        let jitter = Fixtures.noise("jitter", [count * dim], scale: noise)
        let labels = (0..<count).map { $0 % classes }
        let values = (0..<count * dim).map { centres[labels[$0 / dim] * dim + $0 % dim] + jitter[$0] }
        return (try Tensor(values, shape: [count, dim]), labels)
    }

    @Test func `features that tell the classes apart are told so, others are not`() throws {
        let (near, labels) = try clusters(60, classes: 4, noise: 0.1)
        #expect(try FeatureProbes.nearestNeighbours(near, labels: labels, classCount: 4, neighbours: 10) == 1)
        #expect(try FeatureProbes.linear(near, labels: labels, classCount: 4) == 1)
        let random = try Tensor(Fixtures.noise("random", [60 * 6]), shape: [60, 6])
        #expect(try FeatureProbes.nearestNeighbours(random, labels: labels, classCount: 4) < 0.5)
        #expect(try FeatureProbes.linear(random, labels: labels, classCount: 4) < 0.5)
    }

    @Test func `one image is no basis, and features without a number are nothing`() throws {
        #expect(try FeatureProbes.linear(.ones([1, 3]), labels: [0], classCount: 2) == 0)
        #expect(try FeatureProbes.nearestNeighbours(.ones([1, 3]), labels: [0], classCount: 2) == 0)
        let broken = try Tensor.full([4, 3], Double.nan)
        #expect(try FeatureProbes.linear(broken, labels: [0, 1, 0, 1], classCount: 2) == 0)
    }

    /// The closed form against the definition: for every image, a fit to all others.
    @Test func `leaving out in closed form is leaving out`() throws {
        let (features, labels) = try clusters(24, classes: 3, noise: 1.2)
        let found = try FeatureProbes.linear(features, labels: labels, classCount: 3)
        #expect(found < 1, "the case must have errors to be worth comparing")
        let standard = try standardised(features)
        var right = 0
        for left in 0..<24 {
            let others = (0..<24).filter { $0 != left }
            let scores = (0..<3).map { label in
                var rows = others.map { row in
                    others.map { kernel(standard, row, $0) + (row == $0 ? 0.1 : 0) }
                        + [labels[row] == label ? 1 : -1]
                }
                let weights = solve(&rows)
                return zip(others, weights).reduce(0) { $0 + kernel(standard, left, $1.0) * $1.1 }
            }
            if scores.firstIndex(of: scores.max() ?? 0) == labels[left] { right += 1 }
        }
        #expect(abs(found - Double(right) / 24) < 1e-12)
    }

    private func standardised(_ features: Tensor) throws -> [[Double]] {
        let (values, width) = (try features.doubles(), features.shape[1])
        let count = values.count / width
        var rows = (0..<count).map { Array(values[$0 * width..<($0 + 1) * width]) }
        for column in 0..<width {
            let mean = rows.reduce(0) { $0 + $1[column] } / Double(count)
            let variance = rows.reduce(0) { $0 + ($1[column] - mean) * ($1[column] - mean) } / Double(count)
            for row in 0..<count { rows[row][column] = (rows[row][column] - mean) / sqrt(variance + 1e-6) }
        }
        return rows
    }

    private func kernel(_ rows: [[Double]], _ a: Int, _ b: Int) -> Double {
        zip(rows[a], rows[b]).reduce(0) { $0 + $1.0 * $1.1 } / Double(rows[a].count) + 1
    }

    /// Gaussian elimination of rows that end with their right-hand side.
    private func solve(_ rows: inout [[Double]]) -> [Double] {
        let count = rows.count
        for pivot in 0..<count {
            for row in 0..<count where row != pivot {
                let factor = rows[row][pivot] / rows[pivot][pivot]
                for column in pivot...count { rows[row][column] -= factor * rows[pivot][column] }
            }
        }
        return (0..<count).map { rows[$0][count] / rows[$0][$0] }
    }
}
