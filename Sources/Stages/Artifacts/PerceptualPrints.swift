internal import Diagnostics
internal import Engine
internal import Foundation
internal import Safetensors
internal import Vision

/// The perceptual hashes of a data set's images, found by content id.
///
/// `perceptual.safetensors` in a scan: `ids [n, 16]`, ascending, and `hashes [n, 24]`, as `PerceptualHash.fingerprint`
/// makes them while the scan has the pixels at hand. They follow from the content that the scan lists, so they are a
/// record, and a scan that gains them changes nothing that was made from it. The file is mapped, not read.
final class PerceptualPrints {
    static let file = "perceptual.safetensors"
    private static let (idBytes, hashCount) = (16, 4 * PerceptualHash.windows.count)

    private let prints: SafetensorsFile
    private let ids: StoredTensor
    private let hashes: StoredTensor
    private let count: Int

    /// Opens the prints of a scan; nil where it has none.
    ///
    /// Stages come here by way of other artifacts, so the file is compared with what was published.
    init?(scan: URL) throws {
        let file = scan.appending(path: Self.file)
        try ArtifactRecord.confirm(Self.file, of: scan)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        prints = try SafetensorsFile(file)
        ids = try prints.tensor("ids")
        hashes = try prints.tensor("hashes")
        count = ids.shape.first ?? 0
        guard ids.type == .uint8, ids.shape == [count, Self.idBytes], hashes.type == .uint64,
            hashes.shape == [count, Self.hashCount]
        else {
            throw Diagnostic(
                "'\(file.path)' is not a file of perceptual hashes",
                hint: "`retort run --force` the data set makes it anew", exitCode: .badData)
        }
    }

    /// The hashes of an image; nil when it is not among them.
    func find(_ id: String) -> [UInt64]? {
        guard let wanted = Self.bytes(of: id) else { return nil }
        let place = prints.withBytes(of: ids) { ids -> Int? in
            var (low, high) = (0, count)
            while low < high {
                let middle = low + (high - low) / 2
                let found = ids[middle * Self.idBytes..<(middle + 1) * Self.idBytes]
                if found.elementsEqual(wanted) { return middle }
                if found.lexicographicallyPrecedes(wanted) { low = middle + 1 } else { high = middle }
            }
            return nil
        }
        return place.map { place in
            prints.withBytes(of: hashes) { bytes in
                (0..<Self.hashCount).map {
                    bytes.loadUnaligned(fromByteOffset: (place * Self.hashCount + $0) * 8, as: UInt64.self)
                }
            }
        }
    }

    /// Writes the hashes of images, each content once.
    static func write(_ prints: [(id: String, hashes: [UInt64])], to directory: URL) throws {
        let unique = Dictionary(prints.map { ($0.id, $0.hashes) }, uniquingKeysWith: { first, _ in first })
            .sorted { $0.key < $1.key }
        try SafetensorsFile.write(
            [
                TensorToStore("ids", .uint8, [unique.count, idBytes]) {
                    unique.flatMap { bytes(of: $0.key) ?? [UInt8](repeating: 0, count: idBytes) }
                },
                TensorToStore("hashes", .uint64, [unique.count, hashCount]) {
                    unique.flatMap(\.value).withUnsafeBytes { [UInt8]($0) }
                },
            ], to: directory.appending(path: file))
    }

    /// The bytes of a content id; nil for what is none.
    private static func bytes(of id: String) -> [UInt8]? {
        let digits = Array(id.utf8)
        guard digits.count == 2 * idBytes else { return nil }
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            default: nil
            }
        }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[place]), let low = value(digits[place + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
