/// Whether one image shows the other, or most of it: compared by brightness, cell by cell.
///
/// The figure is the largest correlation between all of one image and a window of the other, upright or mirrored.
/// Brightness, contrast, size and compression leave it near 1. Windows of four fifths and more of the sides are tried
/// at every twentieth, and the best of them, where it is promising, is moved about in smaller steps.
public struct Resemblance: Sendable {
    private static let cells = 12
    /// The standard deviation, in thousandths of luma, below which an image shows nothing to compare.
    private static let flat = 2000.0
    /// The correlation from which a window is worth moving about.
    private static let promising: Float = 0.8
    /// The steps in which it is moved, as shares of the sides.
    private static let steps = [0.025, 0.0125]
    private static let smallestWindow = 0.75

    private static let windows: [ImageWindow] = (0...4).flatMap { cut in
        (0...cut).flatMap { top in
            (0...cut).map { left in
                ImageWindow(left: Double(left) / 20, top: Double(top) / 20, side: 1 - Double(cut) / 20)
            }
        }
    }

    private let table: LumaTable
    /// The windows, whole image first; nil where one is flat.
    private let patterns: [[Float]?]

    /// Looks at an image.
    public init(_ image: Image) {
        let table = LumaTable(image)
        self.table = table
        patterns = Self.windows.map { Self.pattern(table, $0) }
    }

    /// The largest correlation with another image: at most 1, and 0 where either shows nothing.
    public func callAsFunction(_ other: Resemblance) -> Float {
        min(1, max(0, largest(showing: other), other.largest(showing: self)))
    }

    /// The largest correlation of one of this image's windows with all of another image.
    private func largest(showing other: Resemblance) -> Float {
        guard let whole = other.patterns[0], patterns[0] != nil else { return 0 }
        return [whole, Self.mirrored(whole)].map { target in
            var best: (score: Float, window: ImageWindow) = (-1, .whole)
            for (window, pattern) in zip(Self.windows, patterns) {
                guard let pattern else { continue }
                let score = Self.product(pattern, target)
                if score > best.score { best = (score, window) }
            }
            return best.score < Self.promising ? best.score : refined(best.score, best.window, target)
        }.max() ?? 0
    }

    /// The correlation that is reached by moving a window about, and making it larger or smaller.
    private func refined(_ score: Float, _ window: ImageWindow, _ target: [Float]) -> Float {
        var best = (score: score, window: window)
        for step in Self.steps {
            for _ in 0..<2 {
                let centre = best
                for change in 0..<27 where change != 13 {
                    let window = ImageWindow(
                        left: centre.window.left + Double(change % 3 - 1) * step,
                        top: centre.window.top + Double(change / 3 % 3 - 1) * step,
                        side: centre.window.side + Double(change / 9 - 1) * step)
                    guard window.side >= Self.smallestWindow, window.isWithinImage,
                        let pattern = Self.pattern(table, window)
                    else { continue }
                    let score = Self.product(pattern, target)
                    if score > best.score { best = (score, window) }
                }
                if best.score == centre.score { break }
            }
        }
        return best.score
    }

    /// The brightness of a window's cells with mean 0 and length 1; nil where it is flat.
    private static func pattern(_ table: LumaTable, _ window: ImageWindow) -> [Float]? {
        let means = table.means(columns: cells, rows: cells, in: window)
        let mean = means.reduce(0, +) / Double(means.count)
        let length = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
        guard length > flat * Double(cells) else { return nil }
        return means.map { Float(($0 - mean) / length) }
    }

    private static func mirrored(_ values: [Float]) -> [Float] {
        (0..<cells).flatMap { row in values[row * cells..<(row + 1) * cells].reversed() }
    }

    private static func product(_ a: [Float], _ b: [Float]) -> Float {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var sum: Float = 0
                for index in 0..<cells * cells { sum += a[index] * b[index] }
                return sum
            }
        }
    }
}

extension ImageWindow {
    /// Whether the window does not reach beyond the image, but for rounding.
    fileprivate var isWithinImage: Bool {
        left >= -1e-9 && top >= -1e-9 && left + side <= 1 + 1e-9 && top + side <= 1 + 1e-9
    }
}
