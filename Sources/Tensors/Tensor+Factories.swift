internal import CTorch

extension Tensor {
    /// A tensor of zeros.
    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, 0, dtype: dtype, device: device, operation: "zeros")
    }

    /// A tensor of ones.
    public static func ones(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, 1, dtype: dtype, device: device, operation: "ones")
    }

    /// A tensor of one value.
    public static func full(
        _ shape: [Int], _ value: some TensorScalar, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, value, dtype: dtype, device: device, operation: "full")
    }

    private static func full(
        _ shape: [Int], _ value: some TensorScalar, dtype: DType, device: Device, operation: StaticString
    ) throws(TorchError) -> Tensor {
        try Tensor(operation: operation) { out in
            withInts(shape) { ct_full($0, $1, value.scalar, dtype.rawValue, device.number, out) }
        }
    }

    /// A tensor whose elements are not set; the caller writes all of them.
    public static func empty(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Tensor { out in withInts(shape) { ct_empty($0, $1, dtype.rawValue, device.number, out) } }
    }

    /// The integers from zero up to but not including `end`.
    public static func arange(_ end: Int) throws(TorchError) -> Tensor { try arange(0, end) }

    /// The numbers from `start` up to but not including `end`.
    public static func arange(
        _ start: some TensorScalar, _ end: some TensorScalar, step: some TensorScalar = 1,
        dtype: DType = .int64
    ) throws(TorchError) -> Tensor {
        try Tensor { ct_arange(start.scalar, end.scalar, step.scalar, dtype.rawValue, $0) }
    }

    /// `count` numbers from `start` to `end`, both included.
    public static func linspace(
        _ start: Double, _ end: Double, count: Int, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try Tensor { ct_linspace(start, end, Int64(count), dtype.rawValue, $0) }
    }

    /// The identity matrix.
    public static func eye(_ size: Int, dtype: DType = .float32) throws(TorchError) -> Tensor {
        try Tensor { ct_eye(Int64(size), dtype.rawValue, $0) }
    }

    /// Zeros of this tensor's shape, dtype, layout and device.
    public func zerosLike() throws(TorchError) -> Tensor { try Tensor(self) { ct_zeros_like($0, $1) } }

    /// Ones of this tensor's shape, dtype, layout and device.
    public func onesLike() throws(TorchError) -> Tensor { try Tensor(self) { ct_ones_like($0, $1) } }
}
