import Diagnostics

/// Keeps a network's maps from becoming too small for segmentation.
///
/// Where a stage would take the map below the wanted size, it keeps its stride at one, and the convolutions behind it
/// look as many times further as they would have been moved apart: the weights stay the same. Chen et al., "Rethinking
/// Atrous Convolution for Semantic Image Segmentation", section 3.1; the order is timm's, where the first layer of a
/// dilated stage still looks as far as those before it.
struct OutputStride {
    /// What the map may be smaller by than the image; nil where strides stay as they are.
    let limit: Int?
    private var reached: Int
    /// How far the layers behind those seen so far look.
    private(set) var dilation = 1

    /// Starts behind layers that make the map so many times smaller.
    init(_ limit: Int?, after reached: Int) {
        self.limit = limit
        self.reached = reached
    }

    /// The stride and the dilation of the next layer, which has this stride in the undilated network.
    mutating func next(_ stride: Int) -> (stride: Int, dilation: Int) {
        let own = dilation
        guard let limit, reached * stride > limit else {
            reached *= stride
            return (stride, own)
        }
        dilation *= stride
        return (1, own)
    }
}

extension ModelConfiguration {
    /// The strides that can be asked for where an architecture can be dilated.
    static let outputStrides = [8, 16, 32]

    /// What the map may be smaller by than the image, if that is said.
    var outputStride: Int? {
        if case .int(let stride)? = options["output_stride"], stride > 0 { stride } else { nil }
    }

    /// Checks the option for an architecture that can be dilated, or cannot.
    func checkOutputStride(isDilatable: Bool) throws(Diagnostic) {
        let stride = try int("output_stride", atLeast: 0)
        guard stride == 0 || isDilatable else {
            throw bad("output_stride", "0, its own: the architecture cannot be dilated")
        }
        guard stride == 0 || Self.outputStrides.contains(stride) else {
            throw bad(
                "output_stride",
                "0, its own, or one of \(Self.outputStrides.map(String.init).joined(separator: ", "))")
        }
    }
}
