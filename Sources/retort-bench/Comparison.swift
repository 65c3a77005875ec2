import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Search
import Tensors
import Vision

/// One line of `bench.jsonl`.
struct ComparisonLine: Encodable {
    let name: String
    let ours, peer, ratio: Double
    /// The smallest and the largest ratio of a round.
    let spread: [Double]
    let peerName: String
    let unit: String
    /// The share of the measured matrix product rate in the same arithmetic; nil where work is not counted.
    let ceilingShare: Double?
    /// The largest difference of what both sides computed, relative to the largest value; of neighbours the share
    /// that the other side does not have in the same place.
    let difference: Double?
    /// Processor seconds for a thousand images, ours and the peer's; nil where they are not counted.
    let processorSeconds: [Double]?
    let threads: Int

    enum CodingKeys: String, CodingKey {
        case ours, peer, ratio, spread, unit, difference, threads
        case name = "case"
        case peerName = "peer_name"
        case ceilingShare = "ceiling_share"
        case processorSeconds = "processor_seconds"
    }

    /// The line as a person reads it.
    var text: String {
        let share = ceilingShare.map { String(format: "%.0f %% of the ceiling", $0 * 100) } ?? ""
        let spent =
            processorSeconds.map {
                String(format: "%.2f s, %.2f s of processor for 1000: %.2f×", $0[0], $0[1], $0[1] / $0[0])
            } ?? ""
        let apart = difference.map { String(format: "%.1e apart", $0) } ?? ""
        return String(
            format: "%@  ours %.1f, %@ %.1f %@: %.2f× (%.2f–%.2f)  %@%@  %@",
            name.padding(toLength: 58, withPad: " ", startingAt: 0), ours, peerName, peer, unit, ratio,
            spread[0],
            spread[1], share, spent, apart)
    }
}

/// Measures both sides of a case, in turns.
struct Comparison {
    let bench: BenchCase
    let rounds: Int
    let seconds: Double
    let threads: Int
    let python: String

    private static let peers = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Scripts/peers").standardizedFileURL

    /// One line for each peer, all of the same rounds.
    func run() throws -> [ComparisonLine] {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "retort-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try prepare(folder)
        let arguments = [
            bench.name, "--folder", folder.path, "--seconds", "\(seconds)", "--threads", "\(threads)",
        ]
        let script = Self.peers.appending(path: bench.script).path
        let details = ["--batch", "\(bench.batch)", "--size", "\(bench.size)"]
        var ours: [Measurement] = []
        var theirs = bench.peers.map { _ in [Measurement]() }
        for _ in 0..<rounds {
            ours.append(
                try launch(URL(filePath: CommandLine.arguments[0]).path, ["measure"] + arguments))
            for (index, peer) in bench.peers.enumerated() {
                let form = peer.isCompiled ? ["--compile"] : []
                theirs[index].append(try launch(python, [script] + arguments + details + form))
            }
        }
        return try zip(bench.peers, theirs).map { try line($0, ours, $1) }
    }

    private func line(
        _ peer: Peer, _ ours: [Measurement], _ theirs: [Measurement]
    ) throws -> ComparisonLine {
        let ratios = zip(ours, theirs).map { $0.rate / $1.rate }.sorted()
        let rate = median(ours.map(\.rate))
        return ComparisonLine(
            name: bench.name, ours: rate, peer: median(theirs.map(\.rate)), ratio: median(ratios),
            spread: [ratios[0], ratios[ratios.count - 1]], peerName: peer.name, unit: bench.unit,
            ceilingShare: try ceilingShare(rate), difference: difference(ours[0].values, theirs[0].values),
            processorSeconds: processorSeconds(ours, theirs), threads: threads)
    }

    private func processorSeconds(_ ours: [Measurement], _ peers: [Measurement]) -> [Double]? {
        let sides = [ours, peers].map { $0.compactMap(\.processorSeconds) }
        return sides.contains { $0.isEmpty } ? nil : sides.map(median)
    }

    /// The middle value, or the mean of the two in the middle.
    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(values.count - 1) / 2] + sorted[values.count / 2]) / 2
    }

    private func difference(_ a: [Double], _ b: [Double]) -> Double? {
        guard !a.isEmpty, a.count == b.count else { return nil }
        if bench.work == .search {
            return Double(zip(a, b).count { $0 != $1 }) / Double(a.count)
        }
        let range = max(a.map(abs).max() ?? 0, 1e-30)
        return zip(a, b).map { abs($0 - $1) }.max().map { $0 / range }
    }

    /// Our rate in operations a second, over that of a matrix product of 2048³ in the same arithmetic.
    private func ceilingShare(_ rate: Double) throws -> Double? {
        guard bench.work == .train || bench.work == .label,
            let forward = try bench.forwardOperations()
        else { return nil }
        let type: DType = bench.variant == "bf16" ? .bfloat16 : .float32
        let matrix = try Generator(seed: 0).normal([2048, 2048], deviation: 1).to(type)
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<5 {
            let took = try clock.measure { _ = try withoutGradients { try matrix.matmul(matrix) } }
            best = min(
                best, Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18)
        }
        let ceiling = 2 * pow(2048, 3) / best
        return rate * forward * (bench.work == .train ? 3 : 1) / ceiling
    }

    // MARK: - What both sides start from

    private func prepare(_ folder: URL) throws {
        if bench.work == .search { return try writeVectors(to: folder) }
        guard bench.work != .decode else { return try writeImages(to: folder.appending(path: "images")) }
        var tensors = try weights(of: bench.model, prefix: "model.", seed: 1)
        if bench.work == .distill { tensors += try weights(of: bench.teacher, prefix: "teacher.", seed: 2) }
        let generator = try Generator(seed: 3)
        tensors.append(
            ("images", try generator.normal([bench.batch, 3, bench.size, bench.size], deviation: 1)))
        tensors.append(("labels", try Tensor((0..<bench.batch).map { $0 * 37 % 1000 })))
        try SafetensorsFile.write(tensors, to: folder.appending(path: OwnMeasurement.inputs))
    }

    private func weights(
        of name: String, prefix: String, seed: UInt64
    ) throws -> [(name: String, tensor: Tensor)] {
        let (_, parameters) = try ModelRegistry.initialize(
            bench.configuration(name), generator: Generator(seed: seed))
        return parameters.named.map { (prefix + $0.name, $0.tensor) }
    }

    /// Unit vectors without any structure.
    private func writeVectors(to folder: URL) throws {
        let sizes = bench.searchSizes
        for (name, rows) in [("gallery", sizes.rows), ("queries", sizes.queries)] {
            let vectors = try Generator(seed: UInt64(rows)).normal([rows, sizes.dimension], deviation: 1)
            try NpyFile.write(
                vectors.normalize(1).floats(), shape: [rows, sizes.dimension], as: .float32,
                to: folder.appending(path: "\(name).npy"))
        }
    }

    /// JPEG files of smooth noise, about as large as photographs of that size.
    private func writeImages(to folder: URL) throws {
        let images = folder.appending(path: "all")
        try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
        let (width, height) = (500, 375)
        for number in 0..<256 {
            let noise = try Generator(seed: UInt64(number)).uniform([48, 64, 3], low: 0, high: 255)
            let coarse = Image(width: 64, height: 48, pixels: try noise.floats().map { UInt8($0) })
            try ImageCodec.encodeJPEG(
                coarse.resized(width: width, height: height), quality: 90
            ).write(to: images.appending(path: String(format: "%04d.jpg", number)))
        }
    }

    private func launch(_ program: String, _ arguments: [String]) throws -> Measurement {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging([
            "OMP_NUM_THREADS": "\(threads)"
        ]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let line = said.split(separator: UInt8(ascii: "\n")).last.map { Data($0) } ?? Data()
        guard process.terminationStatus == 0 else {
            throw Diagnostic(
                "\(program) \(arguments.prefix(2).joined(separator: " ")) failed",
                hint: "peers need a Python with torch, timm and Pillow: `make bench` sets one up")
        }
        return try JSONDecoder().decode(Measurement.self, from: line)
    }
}
