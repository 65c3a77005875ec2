import Foundation
import Synchronization
import Tensors
import Testing

@testable import Vision

/// Images that say their number, some of them broken; counts how often each is decoded.
private final class NumberedSource: ImageSource {
    let count: Int
    let broken: Set<Int>
    let decodes = Mutex<[String: Int]>([:])
    var classes: [String] { [] }

    init(count: Int, broken: Set<Int> = []) {
        self.count = count
        self.broken = broken
    }

    func members() -> [SourceMember] { (0..<count).map { SourceMember(split: "all", member: "\($0)") } }
    func bytes(of member: String) -> Data? { nil }
    func contentFiles() -> [URL] { [] }

    func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
        decodes.withLock { $0[member, default: 0] += 1 }
        let number = Int(member) ?? -1
        if broken.contains(number) { throw ImageError.truncated(.jpeg) }
        return gradient(24, 20, blue: UInt8(truncatingIfNeeded: number))
    }

    var records: [ImageRecord] {
        members().map {
            ImageRecord(id: $0.member, dataset: "numbers", member: $0.member, width: 24, height: 20)
        }
    }
}

@Suite struct BatchLoaderTests {
    private let policy = ViewPolicy.training(TrainingViews(scale: 0.4...1, brightness: 0.3))

    private func loader(
        _ source: NumberedSource, workers: Int, batches: Range<Int> = 0..<12, cacheBytes: Int = 1 << 20
    ) -> BatchLoader {
        let (records, policy) = (source.records, policy)
        return BatchLoader(
            ImageProvider(["numbers": source], cacheBytes: cacheBytes), batches: batches, sizes: [16, 8],
            workers: workers
        ) { batch in
            (0..<5).map {
                ImageView(records[(batch * 5 + $0) % records.count], policy, number: batch, seed: 1)
            }
        }
    }

    private func all(_ loader: BatchLoader) throws -> [Batch] {
        var batches: [Batch] = []
        while let batch = try loader.next() { batches.append(batch) }
        return batches
    }

    @Test(arguments: [1, 2, 4])
    func `batches come in order and do not depend on the number of threads`(workers: Int) throws {
        let source = NumberedSource(count: 23)
        let found = try all(loader(source, workers: workers))
        #expect(found.map(\.index) == Array(0..<12))
        let provider = ImageProvider(["numbers": source], cacheBytes: 0)
        for batch in found {
            #expect(batch.count == 5 && batch.sizes == [16, 8])
            for (place, size) in batch.sizes.enumerated() {
                let alone = try batch.views.flatMap { try provider.render($0, sizes: [size])[0].pixels }
                #expect(batch.pixels[place] == alone)
            }
        }
    }

    @Test func `a batch becomes a tensor of bytes`() throws {
        let batch = try #require(try loader(NumberedSource(count: 9), workers: 1).next())
        let tensor = try batch.tensor(8)
        #expect(tensor.shape == [5, 8, 8, 3] && tensor.dtype == .uint8)
        #expect(try tensor.bytes() == batch.pixels[1])
    }

    @Test func `loading can start at any batch, as a resumed run does`() throws {
        let source = NumberedSource(count: 23)
        let whole = try all(loader(source, workers: 2)),
            rest = try all(loader(source, workers: 2, batches: 7..<12))
        #expect(rest.map(\.pixels) == whole.suffix(5).map(\.pixels))
        #expect(try all(loader(source, workers: 2, batches: 3..<3)).isEmpty)
    }

    @Test(arguments: [1, 4])
    func `a broken image is an error at its own batch and by its own name`(workers: Int) throws {
        let loader = loader(NumberedSource(count: 60, broken: [33]), workers: workers)
        for _ in 0..<6 { #expect(try loader.next() != nil) }
        let error = #expect(throws: ImageLoadError.self) { try loader.next() }
        #expect(error?.description == "numbers/33: the JPEG data is truncated")
        #expect(try loader.next() == nil)
    }

    @Test func `an error of whoever chooses the views reaches the reader`() {
        struct Refusal: Error {}
        let loader = BatchLoader(ImageProvider([:]), batches: 0..<3, sizes: [8]) { _ in throw Refusal() }
        #expect(throws: Refusal.self) { try loader.next() }
    }

    @Test(arguments: [1, 3])
    func `a loader can be cancelled or let go at any time`(workers: Int) throws {
        for read in 0..<6 {
            let source = NumberedSource(count: 1000)
            do {
                let loader = loader(source, workers: workers, batches: 0..<200)
                for _ in 0..<read { _ = try loader.next() }
                if read.isMultiple(of: 2) {
                    loader.cancel()
                    #expect(try loader.next() == nil)
                }
            }
            // All threads are joined: nothing is decoded any more, and it was not everything.
            let decoded = source.decodes.withLock { $0.count }
            #expect(decoded <= (read + max(4, workers) + workers) * 5)
        }
    }

    @Test func `waiting is measured`() throws {
        let loader = loader(NumberedSource(count: 10), workers: 1)
        _ = try all(loader)
        #expect(loader.waited > .zero)
    }
}

@Suite struct ImageProviderTests {
    @Test func `an image is decoded once while it fits the cache`() throws {
        let source = NumberedSource(count: 3)
        let provider = ImageProvider(["numbers": source], cacheBytes: 2 * 24 * 20 * 3)
        for _ in 0..<3 {
            for record in source.records { _ = try provider.image(record) }
        }
        #expect(source.decodes.withLock { $0 } == ["0": 1, "1": 1, "2": 3])
        #expect(provider.cachedBytes == 2 * 24 * 20 * 3)
    }

    @Test func `views of a large photograph are the same with and without the cache`() throws {
        let folder = try TemporaryFolder()
        try folder.write("a/large.jpg", Fixture.data("large.jpg"))
        try folder.write("a/large.png", ImageCodec.encodePNG(ImageCodec.decode(Fixture.data("large.jpg"))))
        let source = try ImageFolderSource(root: folder.url)
        for member in ["a/large.jpg", "a/large.png"] {
            let record = ImageRecord(id: member, dataset: "d", member: member, width: 333, height: 270)
            let kept = ImageProvider(["d": source]), fresh = ImageProvider(["d": source], cacheBytes: 0)
            for number in 0..<8 {
                let view = ImageView(record, .training, number: number)
                let both = try kept.render(view, sizes: [64, 16])
                #expect(try both == kept.render(view, sizes: [64, 16]))
                #expect(try both == fresh.render(view, sizes: [64, 16]))
                #expect(try [both[1]] == fresh.render(view, sizes: [16]))
            }
        }
    }

    @Test func `a file that was changed after the scan is an error by name`() throws {
        let folder = try TemporaryFolder()
        try folder.write("a/x.png", ImageCodec.encodePNG(gradient(10, 10)))
        let provider = ImageProvider(["d": try ImageFolderSource(root: folder.url)])
        let record = ImageRecord(id: "x", dataset: "d", member: "a/x.png", width: 12, height: 10)
        let error = #expect(throws: ImageLoadError.self) { try provider.image(record) }
        #expect(error?.description == "d/a/x.png: changed since it was scanned: 10x10 instead of 12x10")
        let gone = ImageRecord(id: "y", dataset: "d", member: "a/y.png", width: 12, height: 10)
        let missing = #expect(throws: ImageLoadError.self) { try provider.image(gone) }
        #expect(missing?.description == "d/a/y.png: cannot be read: No such file or directory")
        let unknown = ImageRecord(id: "y", dataset: "e", member: "y", width: 12, height: 10)
        #expect(throws: ImageLoadError.self) { try provider.image(unknown) }
    }

    @Test func `a corrupt member of a shard is told from its neighbours`() throws {
        let folder = try TemporaryFolder()
        let jpeg = try Fixture.data("rgb-444.jpg")
        try folder.writeTar(
            "s.tar",
            [
                ("1.jpg", jpeg), ("2.jpg", jpeg.prefix(jpeg.count / 2)), ("3.jpg", Data("no".utf8)),
                ("4.jpg", jpeg),
            ])
        let source = try WebDatasetSource(shards: ["s.tar"], in: folder.url)
        let outcomes = source.members().map { member in
            do { return try source.image(member.member, atLeast: nil).width.description } catch {
                return "\(error)"
            }
        }
        #expect(
            outcomes == [
                "29", "the JPEG data is truncated", "not a JPEG, PNG or WebP file (it starts with 6e6f)",
                "29",
            ])
    }
}
