public import Foundation
public import Safetensors
public import Tensors

extension Parameters {
    /// The tensors by name; they are the model's own, not copies.
    public func state() -> [String: Tensor] {
        Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0.tensor) })
    }

    /// Overwrites every tensor with the one of the same name, or reports every name that does not fit.
    public func restore(_ state: [String: Tensor]) throws {
        let reshaped = named.compactMap { entry in
            state[entry.name].flatMap { found in
                found.shape == entry.tensor.shape
                    ? nil
                    : CheckpointMismatch.Reshape(
                        name: entry.name, found: found.shape, foundType: found.dtype,
                        expected: entry.tensor.shape, expectedType: entry.tensor.dtype)
            }
        }
        let mismatch = CheckpointMismatch(
            missing: named.map(\.name).filter { state[$0] == nil },
            unexpected: state.keys.filter { self[$0] == nil }.sorted(), reshaped: reshaped)
        guard mismatch == CheckpointMismatch() else { throw mismatch }
        for entry in named {
            if let value = state[entry.name] { try entry.tensor.copy_(value) }
        }
    }

    /// Writes the tensors as a safetensors file whose bytes depend on nothing but them and `metadata`.
    public func write(to url: URL, metadata: [String: String] = [:]) throws {
        try SafetensorsFile.write(named.map { ($0.name, $0.tensor) }, metadata: metadata, to: url)
    }
}

extension SafetensorsFile {
    /// Writes named tensors.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to url: URL
    ) throws {
        let stored = tensors.map { name, tensor in
            TensorToStore(name, ElementType(tensor.dtype), tensor.shape) { try tensor.bytes() }
        }
        try write(stored, metadata: metadata, to: url)
    }

    /// Reads all tensors.
    public func state(device: Device = .cpu) throws -> [String: Tensor] {
        var state: [String: Tensor] = [:]
        for stored in tensors { state[stored.name] = try tensor(stored).to(device) }
        return state
    }

    /// Reads one tensor of this file.
    public func tensor(_ stored: StoredTensor) throws -> Tensor {
        guard let dtype = DType(stored.type) else {
            throw SafetensorsError(url.path, .unknownType(tensor: stored.name, type: stored.type.rawValue))
        }
        return try withBytes(of: stored) { try Tensor(bytes: $0, shape: stored.shape, dtype: dtype) }
    }
}

extension ElementType {
    /// The stored form of a dtype.
    init(_ dtype: DType) {
        self =
            switch dtype {
            case .float32: .float32
            case .float64: .float64
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .int64: .int64
            case .int32: .int32
            case .uint8: .uint8
            case .bool: .bool
            }
    }
}

extension DType {
    /// The dtype that holds a stored type, if there is one.
    public init?(_ type: ElementType) {
        guard let dtype = DType.allCases.first(where: { ElementType($0) == type }) else { return nil }
        self = dtype
    }
}
