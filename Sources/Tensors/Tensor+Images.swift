internal import CTorch

/// How `pad` makes up the elements outside.
public enum PaddingMode: String, Sendable {
    /// One value everywhere.
    case constant
    /// The tensor mirrored at its border.
    case reflect
    /// The border repeated.
    case replicate
}

// Images are [B, C, H, W].
extension Tensor {
    /// The convolution with a weight of `[out, in / groups, kernel, kernel]`, padded alike on both sides.
    ///
    /// Padding that differs between sides, as in TensorFlow's "same", is a `pad` before it.
    public func conv2d(
        weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0),
        dilation: (Int, Int) = (1, 1), groups: Int = 1
    ) throws(TorchError) -> Tensor {
        try Tensor(self, weight, optional: bias) { a, weight, bias, out in
            withPair(stride) { stride in
                withPair(padding) { padding in
                    withPair(dilation) { dilation in
                        ct_conv2d(a, weight, bias, stride, padding, dilation, Int64(groups), out)
                    }
                }
            }
        }
    }

    /// The convolution with the same stride, padding and dilation in both directions.
    public func conv2d(
        weight: Tensor, bias: Tensor? = nil, stride: Int, padding: Int = 0, dilation: Int = 1, groups: Int = 1
    ) throws(TorchError) -> Tensor {
        try conv2d(
            weight: weight, bias: bias, stride: (stride, stride), padding: (padding, padding),
            dilation: (dilation, dilation), groups: groups)
    }

    /// Elements added around the last dimensions: `[left, right, top, bottom]` for an image.
    public func pad(
        _ amounts: [Int], mode: PaddingMode = .constant, value: Double = 0
    ) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(amounts) { ct_pad(a, $0, $1, mode.rawValue, value, out) } }
    }

    /// Means over a grid of `height` × `width` regions.
    public func adaptiveAvgPool2d(height: Int = 1, width: Int = 1) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_adaptive_avg_pool2d($0, Int64(height), Int64(width), $1) }
    }

    /// Means over square windows; the stride is the window's size unless given.
    public func avgPool2d(kernel: Int, stride: Int? = nil, padding: Int = 0) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_avg_pool2d($0, Int64(kernel), Int64(stride ?? kernel), Int64(padding), $1) }
    }

    /// Maxima over square windows; the stride is the window's size unless given.
    public func maxPool2d(kernel: Int, stride: Int? = nil, padding: Int = 0) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_max_pool2d($0, Int64(kernel), Int64(stride ?? kernel), Int64(padding), $1) }
    }

    /// The image at another size by nearest neighbours, as for masks.
    public func upsampleNearest(height: Int, width: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_upsample_nearest2d($0, Int64(height), Int64(width), $1) }
    }

    /// The image at another size by bilinear interpolation without antialiasing.
    public func upsampleBilinear(
        height: Int, width: Int, alignCorners: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_upsample_bilinear2d($0, Int64(height), Int64(width), alignCorners, $1) }
    }

    /// The image at another size by bicubic interpolation, as for position embeddings.
    public func upsampleBicubic(
        height: Int, width: Int, antialias: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_upsample_bicubic2d($0, Int64(height), Int64(width), antialias, $1) }
    }

    /// The image at another size by antialiased bilinear filtering, as PIL resizes.
    ///
    /// Fast for `uint8` in channels-last layout; `resizeImage` is faster still for one picture.
    public func resizeBilinearAA(height: Int, width: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_upsample_bilinear2d_aa($0, Int64(height), Int64(width), $1) }
    }
}

/// Calls `body` with two numbers as C takes them.
@inline(__always)
private func withPair<Result>(_ pair: (Int, Int), _ body: (UnsafePointer<Int64>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2) { numbers in
        numbers[0] = Int64(pair.0)
        numbers[1] = Int64(pair.1)
        return body(UnsafePointer(numbers.baseAddress.unsafelyUnwrapped))
    }
}
