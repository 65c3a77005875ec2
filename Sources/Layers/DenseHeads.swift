internal import Diagnostics
public import Tensors

// B batch, C channels, K classes, H × W places

/// What turns a map of features into a map of logits.
public protocol DenseHead {
    /// Its batch normalisations.
    var normalizations: [BatchNorm2d] { get }
    /// Maps `[B, C, H, W]` to logits at the same places, `[B, K, H, W]`.
    func callAsFunction(_ map: Tensor, mode: Mode) throws -> Tensor
}

/// One linear map at every place, after batch normalisation where that is asked for.
///
/// How DINOv2 is measured (Oquab et al., "DINOv2", section 7.4), with the names of MMSegmentation's heads: `bn` and
/// `conv_seg`.
public struct LinearDenseHead: DenseHead {
    let norm: BatchNorm2d?
    let classifier: Conv2d

    /// Claims `bn`, if there is one, and `conv_seg`.
    public init(_ scope: Scope, width: Int, classCount: Int, hasNorm: Bool = true) throws {
        norm = hasNorm ? try BatchNorm2d(scope / "bn", width) : nil
        classifier = try Conv2d(
            scope / "conv_seg", width, classCount, kernel: 1, bias: true, initial: .truncNormal())
    }

    /// Its batch normalisation, if there is one.
    public var normalizations: [BatchNorm2d] { norm.map { [$0] } ?? [] }

    /// Maps `[B, C, H, W]` to logits, `[B, K, H, W]`.
    public func callAsFunction(_ map: Tensor, mode: Mode) throws -> Tensor {
        try classifier(norm?(map, mode: mode) ?? map)
    }
}

/// Means over coarse grids beside the map itself, then a 3 × 3 convolution and a linear map.
///
/// Zhao et al., "Pyramid Scene Parsing Network", section 3.2, with the names of transformers' `UperNetHead`:
/// `psp_modules`, `bottleneck` and `classifier`. Its dropout is left out.
public struct PyramidPoolingHead: DenseHead {
    /// The rows, and the columns, of the grids.
    static let grids = [1, 2, 3, 6]

    let branches: [ConvNorm]
    let bottleneck: ConvNorm
    let classifier: Conv2d

    /// Claims the tensors of branches with `hidden` channels each.
    public init(_ scope: Scope, width: Int, hidden: Int, classCount: Int) throws {
        branches = try Self.grids.indices.map { index in
            try ConvNorm(
                scope / "psp_modules" / index / 1, norm: "batch_norm", width, hidden, kernel: 1,
                initial: .kaimingFanOut())
        }
        bottleneck = try ConvNorm(
            scope / "bottleneck", norm: "batch_norm", width + Self.grids.count * hidden, hidden, kernel: 3,
            initial: .kaimingFanOut())
        classifier = try Conv2d(
            scope / "classifier", hidden, classCount, kernel: 1, bias: true, initial: .truncNormal())
    }

    /// Its batch normalisations.
    public var normalizations: [BatchNorm2d] { branches.map(\.norm) + [bottleneck.norm] }

    /// Maps `[B, C, H, W]` to logits, `[B, K, H, W]`.
    ///
    /// - Throws: a `Diagnostic` for training on a single image.
    public func callAsFunction(_ map: Tensor, mode: Mode) throws -> Tensor {
        try requireSeveral(map, mode)
        let (height, width) = (map.shape[2], map.shape[3])
        let pooled = try zip(Self.grids, branches).map { grid, branch in
            try branch(map.adaptiveAvgPool2d(height: grid, width: grid), mode: mode, then: .relu)
                .upsampleBilinear(height: height, width: width)
        }
        return try classifier(bottleneck(Tensor.cat([map] + pooled, dim: 1), mode: mode, then: .relu))
    }
}

/// Convolutions that look around at several distances beside the mean of the map, then two linear maps.
///
/// Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", section 3.3, with the names of
/// transformers' `MobileViTV2DeepLabV3`: `aspp` and `classifier`. Its dropout is left out.
public struct DeepLabV3Head: DenseHead {
    let branches: [ConvNorm]
    let pooled, project: ConvNorm
    let classifier: Conv2d

    /// Claims the tensors of branches with `hidden` channels each, one for every distance in `rates`.
    public init(_ scope: Scope, width: Int, hidden: Int, rates: [Int], classCount: Int) throws {
        func pair(
            _ scope: Scope, _ inputs: Int, kernel: Int = 1, dilation: Int = 1
        ) throws -> ConvNorm {
            try ConvNorm(
                scope, conv: "convolution", norm: "normalization", inputs, hidden, kernel: kernel,
                dilation: dilation, initial: .kaimingFanOut())
        }
        let aspp = scope / "aspp"
        branches =
            [try pair(aspp / "convs" / 0, width)]
            + (try rates.enumerated().map { index, rate in
                try pair(aspp / "convs" / (index + 1), width, kernel: 3, dilation: rate)
            })
        pooled = try pair(aspp / "convs" / (rates.count + 1) / "conv_1x1", width)
        project = try pair(aspp / "project", (rates.count + 2) * hidden)
        classifier = try Conv2d(
            scope / "classifier" / "convolution", hidden, classCount, kernel: 1, bias: true,
            initial: .truncNormal())
    }

    /// Its batch normalisations.
    public var normalizations: [BatchNorm2d] { (branches + [pooled, project]).map(\.norm) }

    /// Maps `[B, C, H, W]` to logits, `[B, K, H, W]`.
    ///
    /// - Throws: a `Diagnostic` for training on a single image.
    public func callAsFunction(_ map: Tensor, mode: Mode) throws -> Tensor {
        try requireSeveral(map, mode)
        let mean = try pooled(map.adaptiveAvgPool2d(), mode: mode, then: .relu)
            .upsampleBilinear(height: map.shape[2], width: map.shape[3])
        let near = try branches.map { try $0(map, mode: mode, then: .relu) }
        return try classifier(project(Tensor.cat(near + [mean], dim: 1), mode: mode, then: .relu))
    }
}

/// Refuses to train on one image: its mean is a single value, which batch normalisation cannot normalise by itself.
private func requireSeveral(_ map: Tensor, _ mode: Mode) throws {
    guard mode == .evaluation || map.shape[0] > 1 else {
        throw Diagnostic(
            "a head with the mean of the map cannot be trained on one image at a time",
            hint: "set batch_size, and micro_batch if it is set, to at least 2")
    }
}
