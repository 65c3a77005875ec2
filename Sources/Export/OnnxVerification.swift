internal import Diagnostics
public import Foundation
internal import Models
internal import Tensors
internal import Training

/// Runs an exported file with onnxruntime, where Python has it, and compares the outputs with this program's.
public struct OnnxVerification {
    /// Whether to verify, and with which Python.
    public enum Policy: Hashable, Sendable {
        /// With the `python3` of the search path, if it has onnxruntime.
        case auto
        case never
        /// With this Python, which must have onnxruntime.
        case python(String)

        /// Reads `auto`, `never` or the name of a Python.
        public init(_ text: String) {
            switch text {
            case "auto": self = .auto
            case "never": self = .never
            default: self = .python(text)
            }
        }
    }

    /// What came of it.
    public enum Outcome: Hashable, Sendable {
        /// The outputs are the same.
        case verified(runtime: String, difference: Double)
        /// Nobody looked, and why.
        case notVerified(String)
    }

    /// How far outputs may be apart, as a part of the largest number among them.
    public static let tolerance = 1e-4
    /// The numbers of images that are tried.
    public static let batches = [1, 3]

    private let policy: Policy

    /// Prepares a verification.
    public init(_ policy: Policy) { self.policy = policy }

    /// Compares a file with the model it was made from.
    ///
    /// - Throws: a `Diagnostic` where the outputs differ, the file does not run, or a Python that was named lacks
    ///   onnxruntime.
    public func callAsFunction(_ file: URL, of export: OnnxExport) throws -> Outcome {
        let python: String
        switch policy {
        case .never: return .notVerified("not asked for")
        case .auto: python = "python3"
        case .python(let name): python = name
        }
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "retort-verify-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let references = try Self.batches.map { try reference(export, batch: $0, folder) }
        switch try Self.run(python, file, size: export.model.card.configuration.imageSize, in: folder) {
        case .absent(let reason):
            guard case .python = policy else { return .notVerified("no onnxruntime") }
            throw Diagnostic(
                "cannot verify with '\(python)': \(reason)",
                hint: "install onnxruntime and numpy there, or pass '--verify never'", exitCode: .unavailable)
        case .failed(let reason):
            throw Diagnostic(
                "onnxruntime cannot run the exported file: \(reason)",
                hint: "this is a Retort bug; '--verify never' keeps the file", exitCode: .bug)
        case .ran(let version):
            var worst = 0.0
            for (batch, outputs) in zip(Self.batches, references) {
                for (name, expected) in zip(export.outputs, outputs) {
                    worst = max(worst, try compare(name, batch, expected, folder))
                }
            }
            return .verified(runtime: "onnxruntime \(version)", difference: worst)
        }
    }

    /// Writes random images, and returns what this program makes of them.
    private func reference(_ export: OnnxExport, batch: Int, _ folder: URL) throws -> [[Float]] {
        let configuration = export.model.card.configuration
        let size = configuration.imageSize
        let values = try Generator(seed: UInt64(batch)).uniform([batch, 3, size, size])
        let (mean, std) = (configuration.preprocessing.mean, configuration.preprocessing.std)
        let normalized =
            try (values - Tensor(doubles: mean, shape: [1, 3, 1, 1]).to(.float32))
            / Tensor(doubles: std, shape: [1, 3, 1, 1]).to(.float32)
        let given = try (export.normalizes ? values : normalized).contiguous().bytes()
        try Data(given).write(to: folder.appending(path: "images-\(batch).f32"))
        return try export.reference(normalized).map { try $0.floats() }
    }

    private func compare(_ name: String, _ batch: Int, _ expected: [Float], _ folder: URL) throws -> Double {
        let data = try Data(contentsOf: folder.appending(path: "\(name)-\(batch).f32"))
        let values = data.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        let difference = Self.difference(values, expected)
        guard difference <= Self.tolerance else {
            throw Diagnostic(
                "onnxruntime's \(name) for \(batch) images differ by \(difference) of their size; at most "
                    + "\(Self.tolerance) is allowed",
                hint: "this is a Retort bug; '--verify never' keeps the file", exitCode: .bug)
        }
        return difference
    }

    /// The largest difference as a part of the largest number; infinite where the rows are of different lengths, or
    /// hold what is no number.
    static func difference(_ values: [Float], _ expected: [Float]) -> Double {
        let differences = zip(values, expected).map { abs(Double($0) - Double($1)) }
        guard values.count == expected.count, differences.allSatisfy(\.isFinite) else { return .infinity }
        let (worst, size) = (differences.max() ?? 0, expected.map { abs(Double($0)) }.max() ?? 0)
        return worst == 0 ? 0 : worst / size
    }

    // MARK: - Python

    private enum Run {
        case ran(version: String)
        case absent(String)
        case failed(String)
    }

    /// Reads the images, writes the outputs, and prints onnxruntime's version; a status of 3 says that it is missing.
    private static let script = """
        import sys
        # Nothing in the folder where retort was started may pass itself off as a package.
        sys.path[:] = [path for path in sys.path if path not in ("", ".")]
        try:
            import numpy, onnxruntime
        except Exception as error:
            print(error)
            sys.exit(3)
        model, folder, size, *batches = sys.argv[1:]
        onnxruntime.set_default_logger_severity(3)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        for batch in batches:
            images = numpy.fromfile(f"{folder}/images-{batch}.f32", "<f4").reshape(int(batch), 3, int(size), int(size))
            for name, values in zip(names, session.run(names, {"images": images})):
                values.astype("<f4").tofile(f"{folder}/{name}-{batch}.f32")
        print(onnxruntime.__version__)
        """

    private static func run(_ python: String, _ file: URL, size: Int, in folder: URL) throws -> Run {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            [python, "-c", script, file.path, folder.path, "\(size)"] + batches.map(String.init)
        let output = Pipe()
        // Errors go to a file: two pipes read one after the other can block the program.
        let log = folder.appending(path: "errors")
        try Data().write(to: log)
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        process.waitUntilExit()
        switch process.terminationStatus {
        case 0: return .ran(version: said)
        case 3: return .absent(said)
        // `env` found no such program.
        case 126, 127: return .absent("there is no '\(python)'")
        default:
            let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
            return .failed(lines.last.map(String.init) ?? "status \(process.terminationStatus)")
        }
    }
}
