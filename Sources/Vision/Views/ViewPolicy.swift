import Foundation

/// How views are chosen: at random for training, the same for everybody in evaluation.
public enum ViewPolicy: Codable, Hashable, Sendable {
    /// Random resized crop, flip and colour jitter, each as torchvision defines it.
    case training(TrainingViews)
    /// The short side is resized to `ratio` times the size and the centre is cut out, all in one resize.
    case evaluation(ratio: Double)
    /// The whole image is resized, and a square cut out of its centre that takes this share of its short side.
    ///
    /// What timm does in evaluation, to the pixel, with the share as its `crop_pct`.
    case centreCrop(share: Double)

    /// Torchvision's defaults: crops of 8–100 % of the area, half of them mirrored, no change of colour.
    public static let training = ViewPolicy.training(TrainingViews())
    /// The centre square, whole.
    public static let evaluation = ViewPolicy.evaluation(ratio: 1)

    /// Draws one view: a function of the image's id, the view's number and the seed, and of nothing else.
    public func parameters(id: String, view: Int, seed: UInt64, width: Int, height: Int) -> ViewParameters {
        switch self {
        case .evaluation(let ratio):
            let side = max(1, Int((Double(min(width, height)) / max(1, ratio)).rounded(.toNearestOrEven)))
            return ViewParameters(
                top: (height - side) / 2, left: (width - side) / 2, height: side, width: side)
        case .centreCrop(let share):
            return ViewParameters(top: 0, left: 0, height: height, width: width, centre: share)
        case .training(let views):
            var random = Philox(
                seed: seed, stream: Philox.stream(of: id), substream: UInt32(truncatingIfNeeded: view))
            return views.draw(&random, width: width, height: height)
        }
    }
}

/// The settings of random views.
public struct TrainingViews: Codable, Hashable, Sendable {
    /// The share of the image's area that a crop covers.
    public var scale: ClosedRange<Double>
    /// The crop's width over its height, before it is made square.
    public var ratio: ClosedRange<Double>
    /// The probability of mirroring left and right.
    public var flip: Double
    /// How far the brightness factor strays from 1.
    public var brightness: Double
    /// How far the contrast factor strays from 1.
    public var contrast: Double
    /// How far the saturation factor strays from 1.
    public var saturation: Double

    /// Creates settings; the defaults are torchvision's.
    public init(
        scale: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3,
        flip: Double = 0.5,
        brightness: Double = 0, contrast: Double = 0, saturation: Double = 0
    ) {
        self.scale = scale
        self.ratio = ratio
        self.flip = flip
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
    }

    /// Draws flip and colours first and the crop last: its rejections then shift no other number.
    func draw(_ random: inout Philox, width: Int, height: Int) -> ViewParameters {
        let isFlipped = random.uniform() < flip
        func factor(_ strength: Double) -> Float {
            Float(random.uniform(in: max(0, 1 - strength)...1 + strength))
        }
        let (brightness, contrast, saturation) = (factor(brightness), factor(contrast), factor(saturation))
        var view = crop(&random, width: width, height: height)
        view.flip = isFlipped
        (view.brightness, view.contrast, view.saturation) = (brightness, contrast, saturation)
        return view
    }

    /// A crop of random area and shape; after ten misses the largest central crop of a permitted shape.
    private func crop(_ random: inout Philox, width: Int, height: Int) -> ViewParameters {
        let area = Double(width * height)
        for _ in 0..<10 {
            let target = area * random.uniform(in: scale)
            let shape = exp(random.uniform(in: log(ratio.lowerBound)...log(ratio.upperBound)))
            let w = Int((target * shape).squareRoot().rounded(.toNearestOrEven))
            let h = Int((target / shape).squareRoot().rounded(.toNearestOrEven))
            if (1...width).contains(w), (1...height).contains(h) {
                let top = random.index(below: height - h + 1)
                return ViewParameters(top: top, left: random.index(below: width - w + 1), height: h, width: w)
            }
        }
        let shape = min(max(Double(width) / Double(height), ratio.lowerBound), ratio.upperBound)
        let w = max(1, min(width, Int((Double(height) * shape).rounded(.toNearestOrEven))))
        let h = max(1, min(height, Int((Double(width) / shape).rounded(.toNearestOrEven))))
        return ViewParameters(top: (height - h) / 2, left: (width - w) / 2, height: h, width: w)
    }
}
