import CFuzz
import CJpeg
import Diagnostics
import Engine
import Foundation
import Manifest
import Safetensors

@testable import SearchParsers
@testable import VisionParsers

// fuzz PARSER [options of libFuzzer] [CORPUS]: feeds bytes to one parser until one of them is too much for it.

/// A file in memory that each input is written to, for parsers that map or read a file.
struct InputFile {
    let url = URL(filePath: "/dev/shm/retort-fuzz-\(getpid())")

    func write(_ data: Data) {
        let descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(descriptor >= 0)
        data.withUnsafeBytes {
            precondition(Foundation.write(descriptor, $0.baseAddress, $0.count) == $0.count)
        }
        close(descriptor)
    }
}

let file = InputFile()
nonisolated(unsafe) var sum = 0

/// Reads every tensor that the header of a file promises.
func readSafetensors(_ data: Data) throws {
    file.write(data)
    let tensors = try SafetensorsFile(file.url)
    for tensor in tensors.tensors {
        // Every byte is touched: a range beyond the file would end the process.
        tensors.withBytes(of: tensor) { bytes in
            precondition(bytes.count == tensor.range.count)
            sum &+= bytes.reduce(0) { $0 &+ Int($1) }
        }
    }
}

func readTar(_ data: Data) throws {
    file.write(data)
    let archive = try TarArchive(file.url)
    for entry in archive.entries {
        let bytes = archive.bytes(of: entry)
        precondition(bytes.count == entry.range.count)
        sum &+= bytes.reduce(0) { $0 &+ Int($1) }
    }
}

func readNpy(_ data: Data) throws {
    let (header, length) = try NpyHeader.decode(data, name: "x.npy")
    precondition(length <= data.count)
    precondition(header.shape.reduce(1, *) == header.count)
    _ = header.shape.dropFirst().reduce(1, *)
}

/// Decodes a part of an image at every reduction: the size that is claimed must bound what is written.
func readJpeg(_ data: Data) throws {
    data.withUnsafeBytes { bytes in
        var image: OpaquePointer?
        guard cj_open(bytes.baseAddress, bytes.count, &image) == CJ_OK, let image else { return }
        defer { cj_close(image) }
        let (width, height) = (cj_width(image), cj_height(image))
        precondition(width > 0 && height > 0)
        for reduction: Int32 in [1, 2, 4, 8] {
            let (columns, rows) = ((width + reduction - 1) / reduction, (height + reduction - 1) / reduction)
            guard Int(columns) * Int(rows) <= 1 << 18 else { continue }
            for part in [
                CJRectangle(left: 0, top: 0, width: columns, height: rows),
                CJRectangle(
                    left: columns / 3, top: rows / 3, width: max(1, columns / 3), height: max(1, rows / 3)),
            ] {
                // Exactly as large as promised, so that the sanitizer sees a byte too many.
                let pixels = UnsafeMutablePointer<UInt8>.allocate(
                    capacity: Int(part.width) * Int(part.height) * 3)
                defer { pixels.deallocate() }
                _ = cj_decode(image, reduction, part, pixels)
            }
        }
    }
}

func readYAML(_ data: Data) throws {
    file.write(data)
    let spec = try Manifest.load(file: file.url, overrides: [], profile: nil, environment: ["HOME": "/"])
    _ = try Graph(spec, catalog: [])
}

/// Reads every column; a description may claim more rows than anybody would ask for.
func readParquet(_ data: Data) throws {
    let parquet = try ParquetFile([UInt8](data), file: "x.parquet")
    guard parquet.count <= 100_000 else { return }
    for name in parquet.names {
        let column = try parquet.values(name)
        precondition(column?.count == parquet.count)
        for row in 0..<parquet.count { sum &+= column?.text(row)?.utf8.count ?? column?.int(row) ?? 0 }
    }
}

func readMarks(_ data: Data) throws {
    file.write(data)
    let marks = try Marks(file: file.url)
    precondition(marks.length <= data.count)
    for entry in marks.entries { _ = marks[entry.id] }
}

func readCSV(_ data: Data) throws {
    guard let text = String(data: data, encoding: .utf8) else { return }
    _ = try CSV.rows(of: text, file: "x.csv")
    let names = try? BraceExpansion.expand(text, limit: 1000)
    precondition(names?.count ?? 0 <= 1000)
}

let parsers: [String: @Sendable (Data) throws -> Void] = [
    "safetensors": readSafetensors, "tar": readTar, "npy": readNpy, "jpeg": readJpeg, "yaml": readYAML,
    "marks": readMarks, "csv": readCSV, "parquet": readParquet,
]

guard CommandLine.arguments.count > 1, let parser = parsers[CommandLine.arguments[1]] else {
    print("usage: fuzz \(parsers.keys.sorted().joined(separator: "|")) [options of libFuzzer] [corpus]")
    exit(64)
}
let chosen = parser
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
        // An error is what a parser is for; anything else ends the process.
        let data = bytes.map { Data(bytes: $0, count: size) } ?? Data()
        do { try chosen(data) } catch {}
        return 0
    })
