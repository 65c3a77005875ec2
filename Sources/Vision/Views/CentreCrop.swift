internal import Tensors

extension Image {
    /// Resizes a part of the image, keeping its shape, and cuts a square out of the centre.
    ///
    /// Sides and offsets are rounded as torchvision's `Resize` and `CenterCrop` round them.
    func renderCentre(
        of crop: PixelRectangle, _ parameters: ViewParameters, size: ViewSize,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        let side = size.side
        let short = max(side, parameters.resizedShortSide(for: side))
        // The shape is that of the image in its file: a reduced decode rounds its sides.
        func length(_ own: Int, _ other: Int) -> Int {
            own <= other ? short : Int(Double(short * own) / Double(other))
        }
        let width = length(parameters.width, parameters.height)
        let height = length(parameters.height, parameters.width)
        var resized = [UInt8](repeating: 0, count: width * height * 3)
        try resized.withUnsafeMutableBufferPointer {
            try resample(
                crop, width: width, height: height, flip: parameters.flip,
                interpolation: size.interpolation, into: $0)
        }
        func start(_ length: Int) -> Int {
            Int((Double(length - side) / 2).rounded(.toNearestOrEven))
        }
        let (top, left) = (start(height), start(width))
        for row in 0..<side {
            let first = ((top + row) * width + left) * 3
            _ = output[(row * side * 3)..<((row + 1) * side * 3)]
                .update(fromContentsOf: resized[first..<first + side * 3])
        }
    }
}
