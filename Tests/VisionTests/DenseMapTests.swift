import Foundation
import Testing

@testable import Vision

/// Maps that follow their images through crops, sizes and mirrors, and through files.
@Suite struct DenseMapTests {
    private let width = 23
    private let height = 17

    /// The heights of a bumpy surface, as the red of an image; mirrored scenes have mirrored images.
    private var image: Image {
        Image(
            width: width, height: height,
            pixels: (0..<width * height).flatMap { place -> [UInt8] in
                let (x, y) = (place % width, place / width)
                return [UInt8((x * x * 3 + y * 5 + x * y) % 200), UInt8(x * 9), UInt8(y * 9)]
            })
    }

    /// What an expert that looks at single pixels would say, the normals from the slope across a pixel.
    private func label(_ image: Image, _ task: DenseTask) -> DenseMap {
        func red(_ x: Int, _ y: Int) -> Float {
            Float(image.pixels[3 * (y * image.width + min(image.width - 1, max(0, x)))])
        }
        let places = (0..<image.width * image.height).map { ($0 % image.width, $0 / image.width) }
        let values: [Float] =
            switch task {
            case .segmentation: places.map { red($0, $1) > 150 ? .nan : (red($0, $1) / 30).rounded(.down) }
            case .depth: places.map { 1 + red($0, $1) / 7 }
            case .normals:
                places.flatMap { x, y -> [Float] in
                    let slope = (red(x - 1, y) - red(x + 1, y)) / 40
                    let length = (slope * slope + 1).squareRoot()
                    return [slope / length, 0, 1 / length]
                }
            }
        return DenseMap(task, width: image.width, height: image.height, values: values)
    }

    /// The values that two maps do not share; not a number equals itself.
    private func differences(_ a: DenseMap, _ b: DenseMap) -> Int {
        guard (a.width, a.height) == (b.width, b.height) else { return .max }
        return zip(a.values, b.values).count { !($0 == $1 || $0.isNaN && $1.isNaN) }
    }

    @Test(arguments: DenseTask.allCases)
    func `labelling a view is viewing the label`(task: DenseTask) throws {
        for (top, left) in [(0, 0), (3, 9), (4, 10)] {
            for flip in [false, true] {
                // A crop that is shown in its own size moves pixels and mixes none.
                let view = ViewParameters(top: top, left: left, height: 13, width: 13, flip: flip)
                let first = try label(render(image, view, size: 13), task)
                let then = try label(image, task).rendered(view, width: width, height: height, side: 13)
                // At a crop's edge the slope is another one: what lay beyond cannot be seen any more.
                let inner = { (map: DenseMap) -> [Float] in
                    let channels = task.channelCount
                    return map.values.enumerated().filter { 1..<12 ~= $0.offset / channels % 13 }.map(
                        \.element)
                }
                let pairs = zip(inner(first), inner(then))
                #expect(pairs.allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }, "\(top) \(left) \(flip)")
                if task != .normals { #expect(differences(first, then) == 0) }
            }
        }
    }

    @Test func `a mirrored normal points to the other side, and nothing else changes`() throws {
        let map = DenseMap(.normals, width: 2, height: 1, values: [0.6, 0, 0.8, .nan, .nan, .nan])
        let view = ViewParameters(top: 0, left: 0, height: 1, width: 2, flip: true)
        let shown = try map.rendered(view, width: 2, height: 1, side: 2).values
        #expect(shown[0].isNaN && Array(shown[3..<6]) == [-0.6, 0, 0.8])
    }

    @Test(arguments: [0.5, 0.875, 1])
    func `a mask's map is shown as the mask is`(share: Double) throws {
        let mask = label(image, .segmentation).mask
        #expect(mask.pixels.contains(Mask.unnamed) && mask.pixels.contains(0))
        for policy in [ViewPolicy.centreCrop(share: share), .training] {
            for number in 0..<8 {
                var view = policy.parameters(id: "a", view: number, seed: 3, width: width, height: height)
                view.flip = number % 2 == 0
                let shown = try DenseMap(mask).rendered(view, width: width, height: height, side: 11)
                #expect(try shown.mask == mask.rendered(view, side: 11))
            }
        }
    }

    @Test func `a map of another size covers the same image`() throws {
        // Each of the map's pixels is 4 x 4 of the image's.
        let numbers = (0..<32 * 24).map { place -> Float in
            let (x, y) = (place % 32, place / 32)
            return Float(y / 4 * 8 + x / 4)
        }
        let fine = DenseMap(.depth, width: 32, height: 24, values: numbers)
        let coarse = DenseMap(.depth, width: 8, height: 6, values: (0..<48).map(Float.init))
        for number in 0..<16 {
            let view = ViewPolicy.training.parameters(
                id: "b", view: number, seed: 1, width: 32, height: 24)
            let shown = try [fine, coarse].map { try $0.rendered(view, width: 32, height: 24, side: 19) }
            #expect(differences(shown[0], shown[1]) == 0)
        }
    }

    @Test func `stored maps are the same but for what their numbers cannot hold`() throws {
        let mask = label(image, .segmentation)
        #expect(try differences(DenseMap(.segmentation, stored: mask.encoded()), mask) == 0)
        var depths = label(image, .depth).values
        (depths[0], depths[1], depths[2]) = (.nan, 1e6, .infinity)
        let depth = DenseMap(.depth, width: width, height: height, values: depths)
        let read = try DenseMap(.depth, stored: depth.encoded())
        #expect(read.values[0].isNaN && read.values[1].isNaN && read.values[2].isNaN)
        #expect(zip(read.values, depths).dropFirst(3).allSatisfy { abs($0 - $1) <= $1 * 0x1p-11 })
        #expect(read.width == width && read.height == height && abs(read.knownShare - 388 / 391) < 1e-9)
        let bytes = try depth.encoded()
        #expect(bytes.count == 128 + 2 * 391 && bytes.starts(with: [0x93] + Array("NUMPY".utf8)))
        #expect(throws: ImageError.self) { try DenseMap(.depth, stored: bytes.dropLast(2)) }
        #expect(throws: ImageError.self) { try DenseMap(.normals, stored: bytes) }
        #expect(throws: ImageError.self) { try DenseMap(.depth, stored: Data("map".utf8)) }
    }

    @Test func `noise moves answers and makes none up, more of it where there is more`() throws {
        let map = DenseMap(.depth, width: 24, height: 17, values: (0..<24 * 17).map { Float($0) })
        var changed: [Set<Int>] = []
        for share in [0, 0.25, 0.5, 1] {
            let noisy = map.shuffled(share, key: "a", seed: 1)
            #expect(noisy.values == map.shuffled(share, key: "a", seed: 1).values)
            #expect(Set(noisy.values).isSubset(of: map.values))
            changed.append(Set(noisy.values.indices.filter { noisy.values[$0] != map.values[$0] }))
        }
        // Twelve by eight squares of two by two; the last row belongs to none.
        #expect(changed[0].isEmpty && changed[3].count == 24 * 16)
        #expect(changed[1].isSubset(of: changed[2]) && changed[1].count < changed[2].count)
        #expect(map.shuffled(0.5, key: "b", seed: 1).values != map.shuffled(0.5, key: "a", seed: 1).values)
    }

    @Test func `stored normals are within a degree on the whole sphere`() throws {
        var values: [Float] = [.nan, .nan, .nan]
        for step in 1..<2000 {
            // A spiral from pole to pole.
            let z = 1 - Float(step) / 1000, angle = Float(step) * 2.4
            let radius = (1 - z * z).squareRoot()
            values += [radius * cos(angle), radius * sin(angle), z]
        }
        let map = DenseMap(.normals, width: 2000, height: 1, values: values)
        let read = try DenseMap(.normals, stored: map.encoded())
        #expect(read.values[0].isNaN && read.values[2].isNaN)
        for place in stride(from: 3, to: values.count, by: 3) {
            let cosine = (0..<3).reduce(Float(0)) { $0 + values[place + $1] * read.values[place + $1] }
            #expect(cosine > cos(Float.pi / 180), "\(Array(values[place..<place + 3]))")
        }
    }
}

@Suite struct TarWriterTests {
    @Test func `what was written is read back, long names and all`() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "a.tar")
        let long = String(repeating: "näme/", count: 40) + "x.png"
        let writer = try TarWriter(url)
        try writer.add("short.txt", Data("hello".utf8))
        #expect(!FileManager.default.fileExists(atPath: url.path))
        try writer.add(long, Data(repeating: 7, count: 1024))
        try writer.add("empty", Data())
        try writer.finish()
        let archive = try TarArchive(url)
        #expect(archive.entries.map(\.name) == ["short.txt", long, "empty"])
        #expect(archive.bytes(of: archive.entries[0]) == Data("hello".utf8))
        #expect(archive.bytes(of: archive.entries[1]) == Data(repeating: 7, count: 1024))
    }
}
