internal import Foundation
internal import Vision

/// Counts how well maps agree with the truth, image by image.
protocol DenseMeasure {
    /// Compares the answers about one image, `[channels, pixels]` numbers or one class number a pixel, with its map,
    /// which has NaN where nothing is known.
    mutating func add(_ output: ArraySlice<Float>, _ target: ArraySlice<Float>)
    /// The figures over all images so far.
    var figures: TaskFigures { get }
}

/// How far depths are off, after the scale and the shift of each image that fit best.
///
/// The figures are those of Eigen et al. 2014, "Depth Map Prediction from a Single Image", section 4.3, averaged over
/// the images; the alignment by least squares is that of Ranftl et al. 2020, "Towards Robust Monocular Depth
/// Estimation", section 5, with scales that are not negative. An output that is the same everywhere, or that falls as the
/// depth rises, becomes the mean of the image's depth.
struct DepthMeasure: DenseMeasure {
    private var images = 0
    private var sums = (rmse: 0.0, absRel: 0.0, delta1: 0.0)
    /// Aligned depths are not behind the camera.
    private static let nearest = 1e-3

    mutating func add(_ output: ArraySlice<Float>, _ target: ArraySlice<Float>) {
        let pairs = zip(output, target).compactMap { output, target -> (x: Double, y: Double)? in
            target.isFinite && target > 0 && output.isFinite ? (Double(output), Double(target)) : nil
        }
        guard !pairs.isEmpty else { return }
        let count = Double(pairs.count)
        let x = pairs.reduce(0) { $0 + $1.x } / count, y = pairs.reduce(0) { $0 + $1.y } / count
        var (variance, covariance) = (0.0, 0.0)
        for pair in pairs {
            variance += (pair.x - x) * (pair.x - x)
            covariance += (pair.x - x) * (pair.y - y)
        }
        let scale = variance > 1e-12 * count ? max(0, covariance / variance) : 0
        var (squares, relative, close) = (0.0, 0.0, 0)
        for pair in pairs {
            let depth = max(Self.nearest, y + scale * (pair.x - x))
            squares += (depth - pair.y) * (depth - pair.y)
            relative += abs(depth - pair.y) / pair.y
            if max(depth / pair.y, pair.y / depth) < 1.25 { close += 1 }
        }
        images += 1
        sums.rmse += (squares / count).squareRoot()
        sums.absRel += relative / count
        sums.delta1 += Double(close) / count
    }

    var figures: TaskFigures {
        let count = Double(max(1, images))
        return TaskFigures([
            .rmse: sums.rmse / count, .absRel: sums.absRel / count, .delta1: sums.delta1 / count,
        ])
    }
}

/// The angles between normals, over the pixels of all images.
struct NormalsMeasure: DenseMeasure {
    /// Angles by hundredths of a degree.
    private var counts = [Int](repeating: 0, count: 18_001)
    private var (pixels, sum, near) = (0, 0.0, 0)

    mutating func add(_ output: ArraySlice<Float>, _ target: ArraySlice<Float>) {
        let area = target.count / 3
        let (a, b) = (output.startIndex, target.startIndex)
        for pixel in 0..<area where target[b + pixel].isFinite {
            var (dot, length) = (0.0, 0.0)
            for channel in 0..<3 {
                let value = Double(output[a + channel * area + pixel])
                dot += value * Double(target[b + channel * area + pixel])
                length += value * value
            }
            // A vector without a direction is at right angles to all.
            let cosine = length > 0 ? dot / length.squareRoot() : 0
            let angle = acos(max(-1, min(1, cosine))) * 180 / .pi
            guard angle.isFinite else { continue }
            pixels += 1
            sum += angle
            if angle < 11.25 { near += 1 }
            counts[Int(angle * 100)] += 1
        }
    }

    var figures: TaskFigures {
        var (below, median) = (0, 0)
        while median < counts.count - 1, 2 * (below + counts[median]) < pixels {
            below += counts[median]
            median += 1
        }
        let count = Double(max(1, pixels))
        return TaskFigures([
            .meanAngularError: sum / count, .medianAngularError: (Double(median) + 0.5) / 100,
            .within11: Double(near) / count,
        ])
    }
}

/// The pixels by true and by predicted class.
struct ClassesMeasure: DenseMeasure {
    private(set) var confusion: [[Int]]
    private(set) var images = 0

    init(classCount: Int) {
        confusion = Array(repeating: Array(repeating: 0, count: classCount), count: classCount)
    }

    mutating func add(_ output: ArraySlice<Float>, _ target: ArraySlice<Float>) {
        images += 1
        for (predicted, value) in zip(output, target) where value.isFinite {
            confusion[Int(value)][Int(predicted)] += 1
        }
    }

    var figures: TaskFigures {
        let metrics = SegmentationMetrics(
            images: images, confusion: confusion, classes: confusion.indices.map { "\($0)" })
        return TaskFigures([.miou: metrics.miou, .pixelAccuracy: metrics.pixelAccuracy])
    }

    /// What always naming the most frequent class reaches.
    var floor: TaskFigures {
        let named = confusion.map { $0.reduce(0, +) }
        guard let most = named.indices.max(by: { named[$0] < named[$1] }) else { return TaskFigures([:]) }
        var constant = self
        constant.confusion = named.indices.map { row in
            named.indices.map { $0 == most ? named[row] : 0 }
        }
        return constant.figures
    }
}
