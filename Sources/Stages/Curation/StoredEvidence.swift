internal import Diagnostics
internal import Engine
internal import Foundation
internal import Search
internal import Vision

/// Perceptual hashes from the scans of the store, and pixels from wherever the images lie.
///
/// Images are opened only when hashes propose a pair. A scan of an earlier version has no hashes: they are taken from
/// a newer scan of the same content, if the store has one, and else made here, which decodes the images once more.
final class StoredEvidence: PerceptualEvidence {
    private let pool: (Int) -> ImageRecord
    private let evaluated: [ImageRecord]
    private let datasets: Datasets
    private let store: URL
    private var prints: [String: PerceptualPrints] = [:]
    private var images: ImageProvider?
    /// The looks at evaluated images, which recur, and the last one at an image of the pool, which comes once.
    private var looks: [ImagePlace: Resemblance] = [:]
    private var last: (image: ImagePlace, look: Resemblance)?
    /// The number of images that had no hashes in the store.
    private(set) var decoded = 0

    /// The first so many looks are kept: at most 100 KiB each.
    private static let kept = 2048

    init(
        pool: @escaping (Int) -> ImageRecord, evaluated: [ImageRecord], datasets: Datasets, store: URL
    ) throws {
        self.pool = pool
        self.evaluated = evaluated
        self.datasets = datasets
        self.store = store
        for (name, key) in datasets.scans {
            prints[name] =
                try PerceptualPrints(scan: store.appending(path: key)) ?? Self.prints(like: key, in: store)
        }
    }

    /// The hashes of another scan that lists the same content.
    private static func prints(like key: String, in store: URL) throws -> PerceptualPrints? {
        guard let old = try? ArtifactRecord.read(at: store.appending(path: key)) else { return nil }
        let names = try FileManager.default.contentsOfDirectory(atPath: store.path)
        for name in names.sorted() {
            let folder = store.appending(path: name, directoryHint: .isDirectory)
            guard let record = try? ArtifactRecord.read(at: folder), record.kind == ImageSet.kind,
                record.digest == old.digest
            else { continue }
            if let found = try PerceptualPrints(scan: folder) { return found }
        }
        return nil
    }

    func fingerprint(of image: ImagePlace) throws -> [UInt64] {
        let record = record(of: image)
        if let known = prints[record.dataset]?.find(record.id) { return known }
        decoded += 1
        return PerceptualHash.fingerprint(of: try provider().image(record))
    }

    func resemblance(_ a: ImagePlace, _ b: ImagePlace) throws -> Float { try look(at: a)(look(at: b)) }

    private func look(at image: ImagePlace) throws -> Resemblance {
        if let last, last.image == image { return last.look }
        if let known = looks[image] { return known }
        let look = Resemblance(try provider().image(record(of: image), atLeast: 128))
        switch image {
        case .pool: last = (image, look)
        case .evaluated: if looks.count < Self.kept { looks[image] = look }
        }
        return look
    }

    private func record(of image: ImagePlace) -> ImageRecord {
        switch image {
        case .pool(let row): pool(row)
        case .evaluated(let row): evaluated[row]
        }
    }

    private func provider() throws -> ImageProvider {
        if let images { return images }
        let opened = try datasets.provider(store: store, cacheBytes: 0)
        images = opened
        return opened
    }
}
