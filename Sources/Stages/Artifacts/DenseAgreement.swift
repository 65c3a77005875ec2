internal import Training
internal import Vision

/// How far two experts say the same of images that both know.
///
/// Classes: the share of pixels that both give a class of the same name. Depths: the mean correlation within an
/// image. Normals: the mean cosine.
public struct DenseAgreement: Hashable, Sendable, CustomStringConvertible {
    /// The figure; nil where two experts of classes share no class name, so that nothing can be compared.
    public let value: Double?
    /// The images that were compared.
    public let images: Int
    let task: DenseTask
    /// The class names that one expert, the other and both have.
    let classes: [Int]

    /// The figure in words.
    public var description: String {
        guard let value else { return "they share no class name, so that their maps cannot be compared" }
        let rounded = (value * 1000).rounded() / 1000
        let measure =
            switch task {
            case .segmentation: "the share of pixels with the same class is \(rounded)"
            case .depth: "the mean correlation of depths is \(rounded)"
            case .normals: "the mean cosine of normals is \(rounded)"
            }
        let isPartial = task == .segmentation && classes[2] < max(classes[0], classes[1])
        return measure + " (\(images) image\(images == 1 ? "" : "s")"
            + (isPartial ? "; of \(classes[0]) and \(classes[1]) class names they share \(classes[2]))" : ")")
    }
}

extension DenseLabelPictures {
    /// How far two experts of one task agree on the images that both know, at most so many; nil for different tasks, and
    /// where no image is known to both.
    public func agreement(_ a: Int, _ b: Int, images limit: Int = 200) throws -> DenseAgreement? {
        let task = sets[a].summary.task
        guard task == sets[b].summary.task else { return nil }
        let names = try (sets[a].classes(), sets[b].classes())
        let own = (Set(names.0), Set(names.1))
        let classes = [own.0.count, own.1.count, own.0.intersection(own.1).count]
        if task == .segmentation, classes[2] == 0 {
            return DenseAgreement(value: nil, images: 0, task: task, classes: classes)
        }
        var (sum, count) = (0.0, 0)
        for row in try sets[a].rows().filter({ $0.failure == nil }).prefix(limit) {
            let record = row.record
            guard let first = try targets[a].map(of: record), let second = try targets[b].map(of: record)
            else { continue }
            let whole = ViewParameters(top: 0, left: 0, height: record.height, width: record.width)
            let maps = try [first, second].map {
                try $0.rendered(whole, width: record.width, height: record.height, side: 64).values
            }
            let pairs = zip(maps[0], maps[1]).filter { $0.isFinite && $1.isFinite }
            guard !pairs.isEmpty else { continue }
            switch task {
            case .segmentation:
                let same = pairs.count { names.0[Int($0)] == names.1[Int($1)] }
                sum += Double(same) / Double(pairs.count)
            case .depth: sum += Self.correlation(pairs.map { (Double($0), Double($1)) })
            case .normals: sum += pairs.reduce(0.0) { $0 + Double($1.0 * $1.1) } / Double(pairs.count / 3)
            }
            count += 1
        }
        guard count > 0 else { return nil }
        return DenseAgreement(value: sum / Double(count), images: count, task: task, classes: classes)
    }

    private static func correlation(_ pairs: [(Double, Double)]) -> Double {
        let count = Double(pairs.count)
        let means = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for pair in pairs {
            let (x, y) = (pair.0 - means.0, pair.1 - means.1)
            (xx, yy, xy) = (xx + x * x, yy + y * y, xy + x * y)
        }
        return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : 0
    }
}
