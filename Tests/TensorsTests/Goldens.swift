import Foundation
import Safetensors
import Tensors
import Testing

/// One file of values that PyTorch computed; Scripts/fixtures/tensors.py writes them.
struct Goldens {
    private let file: SafetensorsFile

    init(_ name: String) throws { file = try SafetensorsFile(Self.folder.appending(path: name)) }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/tensors")

    var names: [String] { file.tensors.map(\.name) }

    func find(_ name: String) throws -> Tensor? {
        guard let stored = file[name] else { return nil }
        let dtype: DType =
            switch stored.type {
            case .uint8: .uint8
            case .bool: .bool
            case .int64: .int64
            case .bfloat16: .bfloat16
            default: .float32
            }
        return try file.withBytes(of: stored) { try Tensor(bytes: $0, shape: stored.shape, dtype: dtype) }
    }

    subscript(name: String) -> Tensor {
        get throws { try #require(try find(name), "no golden is called \(name)") }
    }
}

/// How far results may be from PyTorch's; one table, so that a loosened tolerance is seen.
enum Tolerance {
    static func of(_ dtype: DType) -> (relative: Float, absolute: Float) {
        switch dtype {
        case .float64: (1e-12, 1e-14)
        case .float32: (1e-5, 2e-6)
        case .float16: (1e-3, 1e-4)
        case .bfloat16: (1e-2, 1e-3)
        case .uint8, .int32, .int64, .bool: (0, 0)
        }
    }
}

/// Expects the dtype, the shape and every element of a golden.
func expectClose(
    _ value: Tensor, _ golden: Tensor, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(value.dtype == golden.dtype, comment, sourceLocation: sourceLocation)
    #expect(value.shape == golden.shape, comment, sourceLocation: sourceLocation)
    let (relative, absolute) = Tolerance.of(golden.dtype)
    let far = zip(try value.floats(), try golden.floats()).enumerated().first { _, pair in
        // Written so that a NaN is far from everything.
        !(abs(pair.0 - pair.1) <= absolute + relative * abs(pair.1))
    }
    if let far {
        Issue.record(
            "element \(far.offset) is \(far.element.0), not \(far.element.1) \(comment?.description ?? "")",
            sourceLocation: sourceLocation)
    }
}
