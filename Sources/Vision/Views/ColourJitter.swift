extension ViewParameters {
    /// Changes brightness, contrast and saturation in this order, as torchvision does on 8-bit images.
    ///
    /// After each step values are clamped and cut to whole numbers, as there; hence the first two are tables.
    func adjustColours(of pixels: UnsafeMutableBufferPointer<UInt8>) {
        if brightness != 1 { apply(Self.table(brightness, towards: 0), to: pixels) }
        if contrast != 1 { apply(Self.table(contrast, towards: Self.meanGrey(of: pixels)), to: pixels) }
        if saturation != 1 {
            let rest = Float(1 - Double(saturation))
            for pixel in stride(from: 0, to: pixels.count - 2, by: 3) {
                let grey = Float(Self.grey(pixels[pixel], pixels[pixel + 1], pixels[pixel + 2])) * rest
                for channel in pixel..<pixel + 3 {
                    pixels[channel] = Self.clamped(saturation * Float(pixels[channel]) + grey)
                }
            }
        }
    }

    private func apply(_ table: [UInt8], to pixels: UnsafeMutableBufferPointer<UInt8>) {
        for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
    }

    private static func table(_ factor: Float, towards other: Float) -> [UInt8] {
        let rest = Float(1 - Double(factor)) * other
        return (0...255).map { clamped(factor * Float($0) + rest) }
    }

    private static func clamped(_ value: Float) -> UInt8 { UInt8(min(max(value, 0), 255)) }

    /// Luma by Rec 601, cut to a whole number as torchvision's `rgb_to_grayscale` does.
    static func grey(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        UInt8(0.2989 * Float(red) + 0.587 * Float(green) + 0.114 * Float(blue))
    }

    private static func meanGrey(of pixels: UnsafeMutableBufferPointer<UInt8>) -> Float {
        var sum = 0
        for pixel in stride(from: 0, to: pixels.count - 2, by: 3) {
            sum += Int(grey(pixels[pixel], pixels[pixel + 1], pixels[pixel + 2]))
        }
        return Float(Double(sum) / Double(max(1, pixels.count / 3)))
    }
}
