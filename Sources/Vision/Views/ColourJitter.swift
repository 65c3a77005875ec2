extension ViewParameters {
    /// Changes brightness, contrast and saturation in this order, as torchvision does on 8-bit images.
    ///
    /// After each step values are clamped and cut to whole numbers, as there; hence the first two are tables. The
    /// third is in fixed point with 16 binary places, which is within one of torchvision's float and much faster.
    func adjustColours(of pixels: UnsafeMutableBufferPointer<UInt8>) {
        if brightness != 1 { apply(Self.table(brightness, towards: 0), to: pixels) }
        if contrast != 1 { apply(Self.table(contrast, towards: Self.meanGrey(of: pixels)), to: pixels) }
        if saturation != 1 { saturate(pixels) }
    }

    private func apply(_ table: [UInt8], to pixels: UnsafeMutableBufferPointer<UInt8>) {
        table.withUnsafeBufferPointer { table in
            for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
        }
    }

    private func saturate(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
        let factor = Int32((min(max(saturation, 0), 100) * 65_536).rounded())
        let rest = 65_536 - factor
        for pixel in stride(from: 0, to: pixels.count - 2, by: 3) {
            let grey = rest &* Self.grey(pixels, pixel)
            for channel in pixel..<pixel + 3 {
                let value = (factor &* Int32(pixels[channel]) &+ grey) >> 16
                pixels[channel] = UInt8(truncatingIfNeeded: min(max(value, 0), 255))
            }
        }
    }

    /// Blends every value with another one; the sum is cut, not rounded.
    private static func table(_ factor: Float, towards other: Float) -> [UInt8] {
        let rest = Float(1 - Double(factor)) * other
        return (0...255).map { UInt8(min(max(factor * Float($0) + rest, 0), 255)) }
    }

    /// Luma by Rec 601 with torchvision's weights, cut to a whole number.
    @inline(__always)
    private static func grey(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ pixel: Int) -> Int32 {
        let (red, green, blue) = (Int32(pixels[pixel]), Int32(pixels[pixel + 1]), Int32(pixels[pixel + 2]))
        return (19_589 &* red &+ 38_470 &* green &+ 7_471 &* blue) >> 16
    }

    private static func meanGrey(of pixels: UnsafeMutableBufferPointer<UInt8>) -> Float {
        var sum = 0
        for pixel in stride(from: 0, to: pixels.count - 2, by: 3) { sum += Int(grey(pixels, pixel)) }
        return Float(Double(sum) / Double(max(1, pixels.count / 3)))
    }
}
