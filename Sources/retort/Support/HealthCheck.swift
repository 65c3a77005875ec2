import Engine
import Foundation
import Search
import Tensors
import Vision

/// One thing that was looked at, and how it was found.
struct HealthCheck: Codable {
    /// How well something works.
    enum State: String, Codable { case ok, warning, failed }

    var name: String
    var state: State
    var finding: String
    var hint: String?
    /// What was measured, if anything was, and its unit.
    var value: Double?
    var unit: String?

    init(_ name: String, _ finding: String, value: Double? = nil, unit: String? = nil) {
        self.init(name, .ok, finding)
        self.value = value
        self.unit = unit
    }

    init(_ name: String, _ state: State, _ finding: String, hint: String? = nil) {
        self.name = name
        self.state = state
        self.finding = finding
        self.hint = hint
    }

    /// Everything that is worth looking at.
    static func all(store: URL) -> [HealthCheck] {
        [HealthCheck("retort", ProductVersion.current)] + libraries() + [
            codecs(), space(store), repairs(store),
        ]
    }

    // MARK: Libraries

    /// libtorch and what comes with it; without it nothing can be asked of the rest.
    private static func libraries() -> [HealthCheck] {
        do {
            try Torch.load()
        } catch {
            return [HealthCheck("libtorch", .failed, error.message, hint: "build again: make build")]
        }
        let loaded = LoadedLibraries()
        return [torch(loaded), openMP(loaded), openBLAS(), processors(), cuda(), faiss()]
    }

    private static func torch(_ libraries: LoadedLibraries) -> HealthCheck {
        let path = libraries.paths(of: "libtorch_cpu").first ?? "an unknown place"
        do {
            let one = try Tensor.ones([2, 2])
            guard try one.matmul(one).floats() == [2, 2, 2, 2] else {
                return HealthCheck(
                    "libtorch", .failed, "computes 1·1 + 1·1 wrong", hint: "build again: make build")
            }
            return HealthCheck("libtorch", "\(Torch.compiledVersion) from \(path)")
        } catch {
            return HealthCheck("libtorch", .failed, error.message, hint: "build again: make build")
        }
    }

    /// Two OpenMP runtimes in one process fight for the processors, and can deadlock.
    private static func openMP(_ libraries: LoadedLibraries) -> HealthCheck {
        let runtimes = ["libgomp", "libomp", "libiomp5"].flatMap { libraries.paths(of: $0) }
        guard runtimes.count > 1 else { return HealthCheck("OpenMP", runtimes.first ?? "not loaded") }
        return HealthCheck(
            "OpenMP", .warning, "\(runtimes.count) runtimes are loaded: \(runtimes.joined(separator: ", "))",
            hint: "start with LD_PRELOAD=\(runtimes[0]), so that all libraries use the same one")
    }

    /// OpenBLAS 0.3.21 takes its Haswell kernels on newer processors, at half of their speed.
    private static func openBLAS() -> HealthCheck {
        typealias CoreName = @convention(c) () -> UnsafePointer<CChar>?
        guard let symbol = dlsym(nil, "openblas_get_corename"),
            let name = unsafeBitCast(symbol, to: CoreName.self)().map({ String(cString: $0) })
        else { return HealthCheck("OpenBLAS", "not loaded, or not to be asked") }
        let processor = kernelFile("/proc/cpuinfo")
        guard name.lowercased() == "haswell", processor.contains("avx512f") else {
            return HealthCheck("OpenBLAS", "kernels for \(name)")
        }
        return HealthCheck(
            "OpenBLAS", .warning, "kernels for \(name) on a processor with AVX-512",
            hint: "OPENBLAS_CORETYPE=SkylakeX makes what little uses OpenBLAS faster")
    }

    private static func faiss() -> HealthCheck {
        do {
            let rows = VectorTable([1, 0, 0, 1], dimension: 2)
            let index = try VectorIndex(factory: "Flat", dimension: 2)
            try index.add(rows)
            let found = try index.search(rows, k: 1).map { $0.first?.row }
            guard found == [0, 1] else { return HealthCheck("FAISS", .failed, "finds the wrong neighbours") }
            return HealthCheck("FAISS", "finds the right neighbours")
        } catch {
            return HealthCheck("FAISS", .failed, "\(error)", hint: "install it again: Scripts/setup")
        }
    }

    private static func codecs() -> HealthCheck {
        // One pixel, as libwebp wrote it: Retort decodes WebP and does not encode it.
        let webP = Data(base64Encoded: "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA") ?? Data()
        var broken: [String] = []
        let pixel = Image(width: 1, height: 1, pixels: [10, 20, 30])
        if (try? ImageCodec.decode(try ImageCodec.encodeJPEG(pixel)))?.width != 1 { broken.append("JPEG") }
        if (try? ImageCodec.decode(try ImageCodec.encodePNG(pixel)))?.pixels != pixel.pixels {
            broken.append("PNG")
        }
        if (try? ImageCodec.decode(webP))?.width != 1 { broken.append("WebP") }
        guard !broken.isEmpty else { return HealthCheck("codecs", "JPEG, PNG and WebP") }
        return HealthCheck(
            "codecs", .failed, "no \(broken.joined(separator: ", "))",
            hint: "install them again: Scripts/setup")
    }

    // MARK: The machine

    private static func processors() -> HealthCheck {
        let count = ProcessInfo.processInfo.activeProcessorCount
        let limit =
            ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].map { ", OMP_NUM_THREADS=\($0)" } ?? ""
        // libtorch works bf16 out in fp32 there, which takes longer than fp32 itself.
        let precision =
            Torch.hasOwnKernels ? "" : "; no BF16 instructions for CPU kernels: say precision: fp32"
        return HealthCheck(
            "processors", "\(count); tensor operations use \(Torch.threads) threads\(limit)\(precision)")
    }

    private static func cuda() -> HealthCheck {
        let count = Torch.cudaDeviceCount
        guard let reason = Torch.cudaUnavailableReason else { return HealthCheck("CUDA", "\(count) devices") }
        return HealthCheck("CUDA", "none: \(reason)")
    }

    /// What crashes and lost files left in the store.
    private static func repairs(_ root: URL) -> HealthCheck {
        do {
            let findings = try StoreRepair(Store(root: root)).findings
            if findings.isEmpty { return HealthCheck("store's folders", "as they should be") }
            let kinds = Dictionary(grouping: findings, by: \.kind).sorted {
                $0.key.rawValue < $1.key.rawValue
            }
            return HealthCheck(
                "store's folders", .warning,
                kinds.map { "\($1.count) \($0.rawValue)" }.joined(separator: ", "),
                hint: "retort doctor --repair puts them right")
        } catch {
            return HealthCheck("store's folders", .failed, "\(error)")
        }
    }

    private static func space(_ store: URL) -> HealthCheck {
        // The store may not be there yet: what counts is the disk it will be on.
        var folder = store.standardizedFileURL
        while folder.path != "/", !FileManager.default.fileExists(atPath: folder.path) {
            folder = folder.deletingLastPathComponent()
        }
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else {
            return HealthCheck("store", .failed, "'\(store.path)' cannot be reached")
        }
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder)
        guard isFolder.boolValue else {
            return HealthCheck(
                "store", .failed, "'\(folder.path)' is no folder",
                hint: "name a folder with --store or RETORT_HOME")
        }
        guard access(folder.path, W_OK) == 0 else {
            return HealthCheck(
                "store", .failed, "'\(folder.path)' is not writable",
                hint: "choose another with --store or RETORT_HOME")
        }
        if let note = FileSystem.of(folder.path)?.note {
            return HealthCheck(
                "store", .warning, note, hint: "a folder on a disk of this machine avoids that")
        }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        return HealthCheck(
            "store", free < 5_000_000_000 ? .warning : .ok, "\(Wording.bytes(free)) free at \(store.path)",
            hint: free < 5_000_000_000 ? "retort gc shows what can be deleted" : nil)
    }
}

/// The shared libraries of this process.
struct LoadedLibraries {
    private let paths: Set<String>

    init() {
        let maps = kernelFile("/proc/self/maps")
        let files = maps.split(separator: "\n").compactMap { line in
            line.firstIndex(of: "/").map { String(line[$0...]) }
        }
        paths = Set(files.filter { $0.contains(".so") })
    }

    /// The files of a library: `libgomp` finds `libgomp.so.1` and `libgomp-4a8c.so.1`.
    func paths(of name: String) -> [String] {
        paths.filter { path in
            let file = path.split(separator: "/").last ?? ""
            return file.hasPrefix(name + ".") || file.hasPrefix(name + "-")
        }.sorted()
    }
}

/// The text of a file that the kernel makes up as it is read, and that therefore has no size.
func kernelFile(_ path: String) -> String {
    let data = try? FileHandle(forReadingFrom: URL(filePath: path)).readToEnd()
    return String(decoding: data ?? Data(), as: UTF8.self)
}
