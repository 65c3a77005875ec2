import Engine
import Foundation
import Tensors

/// What the last bits of a result may depend on besides settings and inputs, noted with every artifact.
enum NumericsFacts {
    /// The facts of this process, by name.
    static let all: [String: String] = {
        let processor = kernelFile("/proc/cpuinfo").split(separator: "\n")
        func value(of name: String) -> String? {
            processor.first { $0.hasPrefix(name) }?.split(separator: ":", maxSplits: 1).last?
                .trimmingCharacters(in: .whitespaces)
        }
        let flags = Set((value(of: "flags") ?? value(of: "Features") ?? "").split(separator: " "))
        let vectors = ["avx512f", "avx2", "asimd"].first { flags.contains(Substring($0)) }
        return [
            "processor": value(of: "model name") ?? "unknown", "vectors": vectors ?? "none",
            "libtorch": Torch.compiledVersion, "kernels": Torch.hasOwnKernels ? "own" : "libtorch",
        ]
    }()
}
