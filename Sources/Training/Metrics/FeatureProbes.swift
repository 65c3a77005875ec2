internal import Foundation
internal import Layers
public import Tensors

/// What features tell about classes, by two classifiers that need no training loop.
///
/// Both leave each image out of what it is classified by, so the labelled images serve as reference and as test.
public enum FeatureProbes {
    /// The most images that are looked at: the linear probe's cost grows with the cube of their number, and is then
    /// 0.3 GFLOP.
    public static let limit = 512

    /// The leave-one-out accuracy of the nearest neighbours by cosine, weighted by `exp(similarity / 0.07)`.
    ///
    /// Source: Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", section
    /// 3.4; with 20 neighbours as in Caron et al. 2021, "Emerging Properties in Self-Supervised Vision
    /// Transformers".
    ///
    /// - Parameter features: `[n, D]`.
    public static func nearestNeighbours(
        _ features: Tensor, labels: [Int], classCount: Int, neighbours: Int = 20
    ) throws -> Double {
        let count = labels.count
        guard count > 1 else { return 0 }
        let unit = try features.normalize(-1)
        // No image is its own neighbour.
        let similarities = try unit.matmul(unit.transpose(0, 1)) - Tensor.eye(count) * 4.0
        let answers = try votes(
            similarities, labels: labels, classCount: classCount, neighbours: min(neighbours, count - 1))
        return Double(zip(answers, labels).count { $0 == $1 }) / Double(count)
    }

    /// The class that each image's nearest neighbours among others vote for, weighted in the same way.
    ///
    /// - Parameters:
    ///   - features: `[n, D]`.
    ///   - references: the labelled images' features, `[m, D]`.
    public static func nearestNeighbours(
        _ features: Tensor, among references: Tensor, labels: [Int], classCount: Int, neighbours: Int = 20
    ) throws -> [Int] {
        let known = try references.normalize(-1).transpose(0, 1)
        var answers: [Int] = []
        // In blocks, so that memory does not grow with the square of the number of images.
        for rows in try features.normalize(-1).split(1024) {
            answers += try votes(
                rows.matmul(known), labels: labels, classCount: classCount,
                neighbours: min(neighbours, labels.count))
        }
        return answers
    }

    /// The class with most of the votes for each row of similarities to labelled images.
    private static func votes(
        _ similarities: Tensor, labels: [Int], classCount: Int, neighbours k: Int
    ) throws -> [Int] {
        let (values, indices) = try similarities.topK(k)
        let (weights, places) = (try values.doubles().map { exp($0 / 0.07) }, try indices.ints())
        return (0..<similarities.shape[0]).map { image in
            var votes = [Float](repeating: 0, count: classCount)
            for place in image * k..<(image + 1) * k { votes[labels[places[place]]] += Float(weights[place]) }
            return ClassificationMetrics.argmax(votes)
        }
    }

    /// The leave-one-out accuracy of regularised least squares on the classes, one against the rest.
    ///
    /// In closed form: with the kernel matrix `K` of standardised features and a bias, `G = K + λI` and
    /// `c = G⁻¹ Y`, the answer for image `i` by all others is `Y_i − c_i / (G⁻¹)_ii`.
    ///
    /// Source: Rifkin & Lippert 2007, "Notes on Regularized Least Squares", section 4. Mean and variance of the
    /// features are those of all images.
    ///
    /// - Parameter features: `[n, D]`.
    public static func linear(
        _ features: Tensor, labels: [Int], classCount: Int, regularization: Double = 0.1
    ) throws -> Double {
        let count = labels.count
        guard count > 1 else { return 0 }
        let centred = try features - features.mean(dims: [0], keepingDim: true)
        let variance = try centred.pow(2).mean(dims: [0], keepingDim: true)
        let standard = try centred * (variance + 1e-6).rsqrt()
        let kernel = try standard.matmul(standard.transpose(0, 1)) / Double(features.shape[1]) + 1.0
        var matrix = try kernel.doubles()
        for image in 0..<count { matrix[image * count + image] += regularization }
        guard let inverse = SymmetricInverse(matrix, size: count) else { return 0 }
        var right = 0
        for image in 0..<count {
            // The row of G⁻¹ Y: every image counts −1 for all classes, and 2 more for its own.
            let total = (0..<count).reduce(0) { $0 + inverse[image, $1] }
            var scores = [Double](repeating: -total, count: classCount)
            for other in 0..<count { scores[labels[other]] += 2 * inverse[image, other] }
            let own = inverse[image, image]
            let answers = (0..<classCount).map { label in
                Float((labels[image] == label ? 1 : -1) - scores[label] / own)
            }
            if ClassificationMetrics.argmax(answers) == labels[image] { right += 1 }
        }
        return Double(right) / Double(count)
    }
}

/// The inverse of a symmetric positive definite matrix, by its Cholesky factor.
private struct SymmetricInverse {
    private let size: Int
    private var values: [Double]

    /// Nil when the matrix is not positive definite, as when it holds something that is not a number.
    init?(_ matrix: [Double], size: Int) {
        self.size = size
        values = [Double](repeating: 0, count: size * size)
        var factor = matrix
        var isDefinite = true
        factor.withUnsafeMutableBufferPointer { l in
            for j in 0..<size {
                var pivot = l[j * size + j]
                for k in 0..<j { pivot -= l[j * size + k] * l[j * size + k] }
                guard pivot > 0 else {
                    isDefinite = false
                    return
                }
                let root = pivot.squareRoot()
                l[j * size + j] = root
                for i in j + 1..<max(size, j + 1) {
                    var sum = l[i * size + j]
                    for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
                    l[i * size + j] = sum / root
                }
            }
        }
        guard isDefinite else { return nil }
        // The rows of the factor's inverse, transposed: row j holds column j.
        var columns = [Double](repeating: 0, count: size * size)
        factor.withUnsafeBufferPointer { l in
            columns.withUnsafeMutableBufferPointer { x in
                for j in 0..<size {
                    x[j * size + j] = 1 / l[j * size + j]
                    for i in j + 1..<max(size, j + 1) {
                        var sum = 0.0
                        for k in j..<i { sum -= l[i * size + k] * x[j * size + k] }
                        x[j * size + i] = sum / l[i * size + i]
                    }
                }
            }
        }
        columns.withUnsafeBufferPointer { x in
            values.withUnsafeMutableBufferPointer { v in
                for i in 0..<size {
                    for j in 0...i {
                        var sum = 0.0
                        for k in i..<size { sum += x[i * size + k] * x[j * size + k] }
                        v[i * size + j] = sum
                        v[j * size + i] = sum
                    }
                }
            }
        }
    }

    subscript(row: Int, column: Int) -> Double { values[row * size + column] }
}
