import Diagnostics
import Foundation
import Testing
import Vision

/// The files that `Scripts/fixtures/vision.py` wrote.
enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/vision")

    static func url(_ name: String) -> URL { directory.appending(path: name) }

    static func data(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }

    static func pixels(_ name: String) throws -> [UInt8] { [UInt8](try data(name)) }

    struct Manifest: Decodable {
        struct View: Decodable {
            let name: String
            let left, top, width, height, size: Int
            let flip: Bool
        }
        struct Colour: Decodable {
            let name: String
            let brightness, contrast, saturation: Float
        }
        let images: [String: [Int]]
        let views: [View]
        let colours: [Colour]
    }

    static func manifest() throws -> Manifest {
        try JSONDecoder().decode(Manifest.self, from: data("manifest.json"))
    }
}

/// A folder that lives as long as the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "vision-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        if ProcessInfo.processInfo.environment["RETORT_KEEP_TEMP"] != "1" {
            try? FileManager.default.removeItem(at: url)
        }
    }

    @discardableResult func write(_ path: String, _ data: Data) throws -> URL {
        let file = url.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
        return file
    }

    @discardableResult func write(_ path: String, _ text: String) throws -> URL {
        try write(path, Data(text.utf8))
    }

    /// A tar file of regular files.
    @discardableResult func writeTar(_ path: String, _ files: [(name: String, data: Data)]) throws -> URL {
        try write(path, tar(files))
    }
}

/// The bytes of a plain ustar archive.
func tar(_ files: [(name: String, data: Data)]) -> Data {
    var archive = Data()
    for (name, data) in files {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        func octal(_ number: Int, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(name, at: 0)
        put("0000644", at: 100)
        put(octal(data.count, 11), at: 124)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\u{0}00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0", at: 148)
        archive += header + data + Data(count: (512 - data.count % 512) % 512)
    }
    return archive + Data(count: 1024)
}

/// An image in which every pixel says where it is.
func gradient(_ width: Int, _ height: Int, blue: UInt8 = 77) -> Image {
    var pixels: [UInt8] = []
    for y in 0..<height {
        for x in 0..<width {
            pixels += [UInt8(x * 255 / max(1, width - 1)), UInt8(y * 255 / max(1, height - 1)), blue]
        }
    }
    return Image(width: width, height: height, pixels: pixels)
}

/// The largest and the mean absolute difference.
func difference(_ a: [UInt8], _ b: [UInt8]) -> (largest: Int, mean: Double) {
    guard a.count == b.count, !a.isEmpty else { return (256, 256) }
    let differences = zip(a, b).map { abs(Int($0) - Int($1)) }
    return (differences.max() ?? 0, Double(differences.reduce(0, +)) / Double(a.count))
}

/// The problems that building something reports.
func problems(_ build: () throws(Problems) -> Void) -> [String] {
    do throws(Problems) { try build() } catch { return error.all.map(\.description) }
    return []
}
