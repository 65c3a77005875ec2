import ArgumentParser
import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Tensors
import Vision

/// Compares Retort with what a careful user would write with the usual libraries, on the same machine.
@main struct RetortBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retort-bench", abstract: "Compare Retort with scripts of the usual libraries.",
        subcommands: [Compare.self, Measure.self, Embeddings.self], defaultSubcommand: Compare.self)
}

/// Runs cases against their peers, in turns, and writes a line for each.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run cases against their peers, A B A B, and write bench.jsonl.")

    @Option(help: "Cases whose names contain this.") var only = ""
    @Option(help: "How often each side is measured.") var rounds = 3
    @Option(help: "Seconds of each measurement.") var seconds = 4.0
    @Option(help: "Threads of both sides.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "A Python with torch, timm, Pillow and faiss-cpu.") var python = "python3"
    @Option(help: "The file to write.") var out = "bench.jsonl"

    func run() throws {
        try Torch.setThreads(threads)
        let file = URL(filePath: out)
        try Data().write(to: file)
        for bench in BenchCase.all where only.isEmpty || bench.name.contains(only) {
            let lines = try Comparison(
                bench: bench, rounds: rounds, seconds: seconds, threads: threads, python: python
            ).run()
            for line in lines { try append(line, to: file) }
        }
    }

    private func append(_ line: ComparisonLine, to file: URL) throws {
        print(line.text)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        try handle.write(contentsOf: encoder.encode(line) + Data("\n".utf8))
        try handle.close()
    }
}

/// Measures our side of one case and prints it as JSON.
struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure one case.", shouldDisplay: false)

    @Argument var name: String
    @Option var folder: String
    @Option var seconds: Double
    @Option var threads: Int

    func run() throws {
        guard let bench = BenchCase.all.first(where: { $0.name == name }) else {
            throw ValidationError("there is no case '\(name)'")
        }
        RuntimeEnvironment.adopt()
        try Torch.setThreads(threads)
        let measured = try OwnMeasurement(
            bench: bench, folder: URL(filePath: folder, directoryHint: .isDirectory), seconds: seconds
        ).run()
        print(String(decoding: try JSONEncoder().encode(measured), as: UTF8.self))
    }
}
