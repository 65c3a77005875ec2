import Foundation
import Testing
import Vision

@testable import Search

/// Finds copies of real photographs, and counts chance pairs; needs the image bundle.
///
///     RETORT_DATA=/path/to/bundle RETORT_PICTURES=all swift test -c release --filter RealPicturesTests
///
/// prints the figures of the guide "Curation"; without `all`, a few hundred images are compared.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["RETORT_DATA"] != nil)) struct RealPicturesTests {
    private let pool: [Image]
    private let evaluated: [Image]

    init() throws {
        let environment = ProcessInfo.processInfo.environment
        let data = URL(filePath: environment["RETORT_DATA"] ?? "data")
        let isWhole = environment["RETORT_PICTURES"] == "all"
        let target = try ImageFolderSource(root: data.appending(path: "target_cls"), splits: ["test", "val"])
        let shards = try WebDatasetSource(
            shards: [data.appending(path: "pool/pool-{000000..000010}.tar").path])
        func images(_ source: some ImageSource, _ count: Int) throws -> [Image] {
            let members = try source.members()
            let step = isWhole ? 1 : max(1, members.count / count)
            return try stride(from: 0, to: members.count, by: step).map {
                try source.image(members[$0].member, atLeast: nil)
            }
        }
        evaluated = try images(target, 100)
        pool = try images(shards, 300)
    }

    @Test func `no unrelated picture counts as the same`() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let pictures = Pictures(pool: pool, evaluated: evaluated)
        let matches = try pictures.matches()
        print(
            "\(pool.count) × \(evaluated.count) pictures: \(pictures.compared) pairs compared by their pixels, "
                + "\(matches.count) chance pairs, \(clock.now - start)")
        #expect(matches.isEmpty)
    }

    private static let changes:
        [(name: String, share: Double, change: @Sendable (Image, Double, Double) throws -> Image)] = [
            ("recompressed, quality 40", 0.99, { image, _, _ in try image.recompressed(40) }),
            (
                "half the size", 0.99,
                { image, _, _ in try image.resized(width: image.width / 2, height: image.height / 2) }
            ),
            ("mirrored", 1, { image, _, _ in image.mirrored() }),
            ("brightened by 1.3", 0.95, { image, _, _ in image.brightened(by: 1.3) }),
            ("darkened to 0.7", 0.99, { image, _, _ in image.brightened(by: 0.7) }),
            ("cropped to 0.95 of the sides", 0.98, { image, x, y in image.cropped(x, y, to: 0.95) }),
            ("cropped to 0.9", 0.97, { image, x, y in image.cropped(x, y, to: 0.9) }),
            ("cropped to 0.85", 0.9, { image, x, y in image.cropped(x, y, to: 0.85) }),
            (
                "mirrored, cropped to 0.9, brightened by 1.15, quality 75", 0.95,
                { image, x, y in
                    try image.mirrored().cropped(x, y, to: 0.9).brightened(by: 1.15).recompressed(75)
                }
            ),
        ]

    @Test(arguments: changes.indices) func `a changed picture is found`(_ number: Int) throws {
        let change = Self.changes[number]
        for (name, images) in [
            ("32 pixels", evaluated), ("64 pixels", Array(pool.filter { $0.width == 64 }.prefix(1000))),
        ] {
            let changed = try images.enumerated().map { place, image in
                // Positions that cover the square evenly.
                let (x, y) = (Double(place) * 0.754877666, Double(place) * 0.569840296)
                return try change.change(image, x - x.rounded(.down), y - y.rounded(.down))
            }
            let matches = try Pictures(pool: changed, evaluated: images).matches()
            let found = Set(matches.filter { $0.row == $0.other }.map(\.row)).count
            print("\(change.name), \(name): \(found) of \(images.count) found")
            #expect(Double(found) >= change.share * Double(images.count) - 2)
        }
    }
}

/// Pictures in memory, compared as a curation compares them.
private final class Pictures: PerceptualEvidence {
    private let hashes: (pool: [[UInt64]], evaluated: [[UInt64]])
    private let images: (pool: [Image], evaluated: [Image])
    private var looks: [Int: Resemblance] = [:]
    private(set) var compared = 0

    init(pool: [Image], evaluated: [Image]) {
        images = (pool, evaluated)
        hashes = (pool.map(PerceptualHash.fingerprint), evaluated.map(PerceptualHash.fingerprint))
    }

    func matches() throws -> [PerceptualMatch] {
        try PerceptualSearch.matches(
            of: images.pool.indices.map { .pool($0) }, among: images.evaluated.indices.map { .evaluated($0) },
            by: self)
    }

    func fingerprint(of image: ImagePlace) -> [UInt64] {
        switch image {
        case .pool(let row): hashes.pool[row]
        case .evaluated(let row): hashes.evaluated[row]
        }
    }

    func resemblance(_ a: ImagePlace, _ b: ImagePlace) -> Float {
        compared += 1
        return look(at: a)(look(at: b))
    }

    private func look(at image: ImagePlace) -> Resemblance {
        switch image {
        case .pool(let row): return Resemblance(images.pool[row])
        case .evaluated(let row):
            let look = looks[row] ?? Resemblance(images.evaluated[row])
            looks[row] = look
            return look
        }
    }
}

extension Image {
    fileprivate func recompressed(_ quality: Int) throws -> Image {
        try ImageCodec.decode(ImageCodec.encodeJPEG(self, quality: quality))
    }

    fileprivate func mirrored() -> Image {
        var mirrored: [UInt8] = []
        for y in 0..<height {
            for x in (0..<width).reversed() {
                let start = (y * width + x) * 3
                mirrored += pixels[start..<start + 3]
            }
        }
        return Image(width: width, height: height, pixels: mirrored)
    }

    fileprivate func brightened(by factor: Double) -> Image {
        Image(width: width, height: height, pixels: pixels.map { UInt8(min(255, Double($0) * factor)) })
    }

    /// A part of both sides, anywhere: `x` and `y` in 0...1 say where.
    fileprivate func cropped(_ x: Double, _ y: Double, to side: Double) -> Image {
        let (columns, rows) = (Int(Double(width) * side), Int(Double(height) * side))
        let (left, top) = (Int(x * Double(width - columns + 1)), Int(y * Double(height - rows + 1)))
        var part: [UInt8] = []
        for row in top..<top + rows {
            let start = (row * width + left) * 3
            part += pixels[start..<start + columns * 3]
        }
        return Image(width: columns, height: rows, pixels: part)
    }
}
