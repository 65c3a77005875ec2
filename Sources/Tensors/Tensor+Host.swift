internal import CTorch

// MARK: - From the host

extension Tensor {
    /// Copies bytes that hold elements in the order of `shape`.
    public convenience init(
        bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType
    ) throws(TorchError) {
        try self.init(bytes: bytes, shape: shape, dtype: dtype, operation: "Tensor")
    }

    private convenience init(
        bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, operation: StaticString
    ) throws(TorchError) {
        try self.init(operation: operation) { out in
            withInts(shape) { ct_from_host(bytes.baseAddress, bytes.count, $0, $1, dtype.rawValue, out) }
        }
    }

    private convenience init<Element>(
        elements: [Element], shape: [Int]?, dtype: DType
    ) throws(TorchError) {
        // `withUnsafeBytes` would lose the typed error, so the copy is made inside one funnel call.
        try self.init(operation: "Tensor") { out in
            elements.withUnsafeBytes { bytes in
                withInts(shape ?? [elements.count]) {
                    ct_from_host(bytes.baseAddress, bytes.count, $0, $1, dtype.rawValue, out)
                }
            }
        }
    }

    /// A `float32` tensor of these numbers; one-dimensional unless a shape is given.
    public convenience init(_ floats: [Float], shape: [Int]? = nil) throws(TorchError) {
        try self.init(elements: floats, shape: shape, dtype: .float32)
    }

    /// A `float64` tensor of these numbers; one-dimensional unless a shape is given.
    public convenience init(doubles: [Double], shape: [Int]? = nil) throws(TorchError) {
        try self.init(elements: doubles, shape: shape, dtype: .float64)
    }

    /// An `int64` tensor of these numbers; one-dimensional unless a shape is given.
    public convenience init(_ ints: [Int64], shape: [Int]? = nil) throws(TorchError) {
        try self.init(elements: ints, shape: shape, dtype: .int64)
    }

    /// An `int64` tensor of these numbers; one-dimensional unless a shape is given.
    public convenience init(_ ints: [Int], shape: [Int]? = nil) throws(TorchError) {
        try self.init(elements: ints, shape: shape, dtype: .int64)
    }

    /// A `uint8` tensor of these bytes; one-dimensional unless a shape is given.
    public convenience init(bytes: [UInt8], shape: [Int]? = nil) throws(TorchError) {
        try self.init(elements: bytes, shape: shape, dtype: .uint8)
    }

    /// A `bool` tensor of these truths; one-dimensional unless a shape is given.
    public convenience init(_ bools: [Bool], shape: [Int]? = nil) throws(TorchError) {
        try self.init(elements: bools, shape: shape, dtype: .bool)
    }

    /// A `float32` tensor without dimensions.
    public convenience init(scalar: Double, dtype: DType = .float32) throws(TorchError) {
        try self.init(operation: "Tensor") { ct_full(nil, 0, scalar.scalar, dtype.rawValue, -1, $0) }
    }
}

// MARK: - To the host

extension Tensor {
    private func elements<Element>(
        of dtype: DType, as type: Element.Type, operation: StaticString
    ) throws(TorchError) -> [Element] {
        let count = count
        var status = CT_OK
        let result = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = withHandle {
                ct_to_host($0, dtype.rawValue, buffer.baseAddress, count * MemoryLayout<Element>.stride)
            }
            initialized = status == CT_OK ? count : 0
        }
        try check(status, operation: operation)
        return result
    }

    /// The elements in the order of the shape, converted to `Float`.
    public func floats() throws(TorchError) -> [Float] {
        try elements(of: .float32, as: Float.self, operation: "floats")
    }

    /// The elements in the order of the shape, converted to `Double`.
    public func doubles() throws(TorchError) -> [Double] {
        try elements(of: .float64, as: Double.self, operation: "doubles")
    }

    /// The elements in the order of the shape, converted to `Int`.
    public func ints() throws(TorchError) -> [Int] {
        try elements(of: .int64, as: Int.self, operation: "ints")
    }

    /// The elements in the order of the shape, as truths.
    public func bools() throws(TorchError) -> [Bool] {
        try elements(of: .bool, as: UInt8.self, operation: "bools").map { $0 != 0 }
    }

    /// The bytes of the elements, in the order of the shape and in this tensor's dtype.
    public func bytes() throws(TorchError) -> [UInt8] {
        let dtype = dtype
        let byteCount = count * dtype.byteCount
        var status = CT_OK
        let result = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
            status = withHandle { ct_to_host($0, dtype.rawValue, buffer.baseAddress, byteCount) }
            initialized = status == CT_OK ? byteCount : 0
        }
        try check(status, operation: "bytes")
        return result
    }

    /// The value of a tensor with one element.
    public func item() throws(TorchError) -> Double {
        var value = 0.0
        try check(withHandle { ct_item($0, &value) }, operation: "item")
        return value
    }

    /// Reads the memory of a contiguous CPU tensor in place.
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withUnsafeMutableBytes { try body(UnsafeRawBufferPointer($0)) }
    }

    /// Reads and writes the memory of a contiguous CPU tensor in place; autograd does not notice.
    public func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) throws -> Result {
        var address: UnsafeMutableRawPointer?
        var byteCount = 0
        try check(withHandle { ct_data($0, &address, &byteCount) }, operation: "withUnsafeBytes")
        return try withExtendedLifetime(self) {
            try body(UnsafeMutableRawBufferPointer(start: address, count: byteCount))
        }
    }
}

// MARK: - Conversion

extension Tensor {
    /// This tensor in another dtype; itself where it has it already.
    public func to(_ dtype: DType) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_to_dtype($0, dtype.rawValue, $1) }
    }

    /// This tensor on another device; itself where it is there already.
    public func to(_ device: Device) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_to_device($0, device.number, $1) }
    }

    /// This tensor with elements in memory in the order of the shape.
    public func contiguous() throws(TorchError) -> Tensor { try Tensor(self) { ct_contiguous($0, $1) } }

    /// This `[B, C, H, W]` tensor with memory ordered as `[B, H, W, C]`, which convolutions prefer.
    public func channelsLast() throws(TorchError) -> Tensor { try Tensor(self) { ct_channels_last($0, $1) } }

    /// A copy that shares no memory with this tensor.
    public func clone() throws(TorchError) -> Tensor { try Tensor(self) { ct_clone($0, $1) } }
}
