public import Foundation
internal import Training
internal import Vision

/// Shows what experts said of images, as small pictures: for reports.
public struct DenseLabelPictures {
    /// An image that experts were asked about.
    public struct Subject: Hashable, Sendable {
        /// The identity of its content.
        public let id: String
        /// The name of its data set.
        public let dataset: String
        /// Its name there.
        public let member: String

        let record: ImageRecord

        init(_ record: ImageRecord) {
            (id, dataset, member) = (record.id, record.dataset, record.member)
            self.record = record
        }
    }

    /// The experts' maps, by the order in which they are shown.
    public let sets: [DenseLabelSet]
    private let targets: [StoredTargets]

    /// Opens the maps of several experts.
    public init(_ sets: [DenseLabelSet]) throws {
        self.sets = sets
        targets = try sets.map { try $0.targets(cacheBytes: 0) }
    }

    /// Sets that are about the same images, together, in the order in which they came.
    public static func grouped(_ sets: [DenseLabelSet]) throws -> [[DenseLabelSet]] {
        var groups: [(ids: [String], sets: [DenseLabelSet])] = []
        for set in sets {
            let ids = try set.rows().map(\.record.id)
            if let place = groups.firstIndex(where: { $0.ids == ids }) {
                groups[place].sets.append(set)
            } else {
                groups.append((ids, [set]))
            }
        }
        return groups.map(\.sets)
    }

    /// A few images about which every expert said something, evenly spread over the list.
    public func subjects(_ count: Int) throws -> [Subject] {
        guard let first = sets.first else { return [] }
        var known = try sets.dropFirst().map { set in
            Set(try set.rows().filter { $0.failure == nil }.map(\.record.id))
        }
        known = known.isEmpty ? [] : [known.dropFirst().reduce(known[0]) { $0.intersection($1) }]
        let rows = try first.rows().filter { row in
            row.failure == nil && known.allSatisfy { $0.contains(row.record.id) }
        }
        let taken = min(count, rows.count)
        return (0..<taken).map { Subject(rows[$0 * rows.count / taken].record) }
    }

    /// One expert's map of an image as a PNG of at most `side` pixels a side; nil where there is none.
    ///
    /// Classes have a colour each, near is bright, and a normal's three numbers are red, green and blue. What is unknown is
    /// black.
    public func png(of image: Subject, by expert: Int, side: Int) throws -> Data? {
        guard let map = try targets[expert].map(of: image.record) else { return nil }
        let scale = max(1, (max(map.width, map.height) + side - 1) / side)
        let (width, height) = (max(1, map.width / scale), max(1, map.height / scale))
        let channels = map.task.channelCount
        let known = map.values.filter { $0.isFinite }.sorted()
        // The span of most depths: a few far ones would leave the rest in one shade.
        let near = known.first ?? 0
        let far = known.isEmpty ? 1 : known[known.count * 95 / 100]
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let start = (y * scale * map.width + x * scale) * channels
                let value = map.values[start]
                guard value.isFinite else {
                    pixels += [0, 0, 0]
                    continue
                }
                switch map.task {
                case .segmentation: pixels += Self.colour(Int(value))
                case .depth:
                    let share = min(1, max(0, (value - near) / max(far - near, 1e-6)))
                    pixels += [UInt8](repeating: UInt8(255 - 215 * share), count: 3)
                case .normals:
                    pixels += map.values[start..<start + 3].map { UInt8(max(0, min(255, ($0 + 1) * 127.5))) }
                }
            }
        }
        return try ImageCodec.encodePNG(Image(width: width, height: height, pixels: pixels))
    }

    /// The colour of a class: hues that are far apart for neighbouring numbers.
    private static func colour(_ label: Int) -> [UInt8] {
        let hue = Double(label) * 0.618_034
        return [0.0, 1.0 / 3, 2.0 / 3].map { shift in
            let wave = (hue + shift).truncatingRemainder(dividingBy: 1)
            return UInt8(60 + 180 * min(1, max(0, abs(wave * 6 - 3) - 1)))
        }
    }

    /// How far two experts of one task agree on the images that both know, at most so many, in words; nil for different
    /// tasks, and where no image is known to both.
    ///
    /// Classes: the share of pixels that both give a class of the same name. Depths: the mean correlation within an
    /// image. Normals: the mean cosine.
    public func agreement(_ a: Int, _ b: Int, images limit: Int = 200) throws -> String? {
        guard let value = try similarity(a, b, images: limit) else { return nil }
        let rounded = (value * 1000).rounded() / 1000
        switch sets[a].summary.task {
        case .segmentation: return "the share of pixels with the same class is \(rounded)"
        case .depth: return "the mean correlation of depths is \(rounded)"
        case .normals: return "the mean cosine of normals is \(rounded)"
        }
    }

    func similarity(_ a: Int, _ b: Int, images limit: Int) throws -> Double? {
        let task = sets[a].summary.task
        guard task == sets[b].summary.task else { return nil }
        let names = try (sets[a].classes(), sets[b].classes())
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
        return count > 0 ? sum / Double(count) : nil
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
