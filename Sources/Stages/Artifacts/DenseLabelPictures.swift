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
    let targets: [StoredTargets]
    /// The number of each expert's classes among the names of all, so that one name has one colour.
    private let numbers: [[Int]]

    /// Opens the maps of several experts.
    public init(_ sets: [DenseLabelSet]) throws {
        self.sets = sets
        targets = try sets.map { try $0.targets(cacheBytes: 0) }
        var known: [String: Int] = [:]
        numbers = try sets.map { set in
            try set.classes().map { name in
                let number = known[name] ?? known.count
                known[name] = number
                return number
            }
        }
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
    /// Classes have a colour for each name, near is bright, and a normal's three numbers are red, green and blue. What is unknown is
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
                case .segmentation: pixels += colour(of: Int(value), by: expert)
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

    /// The colour of one expert's class, in red, green and blue: the same for classes of the same name, and hues that are
    /// far apart for neighbouring numbers.
    public func colour(of label: Int, by expert: Int) -> [UInt8] {
        let number = numbers[expert].indices.contains(label) ? numbers[expert][label] : label
        let hue = Double(number) * 0.618_034
        return [0.0, 1.0 / 3, 2.0 / 3].map { shift in
            let wave = (hue + shift).truncatingRemainder(dividingBy: 1)
            return UInt8(60 + 180 * min(1, max(0, abs(wave * 6 - 3) - 1)))
        }
    }
}
