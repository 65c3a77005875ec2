internal import Layers
internal import Models
internal import Tensors

/// The arithmetic of one forward pass of a network.
public struct ForwardCost: Codable, Hashable, Sendable {
    /// The multiplications for one image, each with an addition: what papers call multiply-adds, or MACs.
    public let multiplications: Double

    /// The operations for one image: a multiplication and an addition are two.
    public var operations: Double { 2 * multiplications }

    /// Lets one image of zeros through the network in evaluation mode and counts what matrix products,
    /// convolutions and attention multiply.
    public init(of model: LoadedModel) throws {
        let size = model.card.configuration.imageSize
        let image = try Tensor.zeros([1, 3, size, size], device: model.device)
        multiplications = try countingMultiplications {
            try withoutGradients { _ = try model.network(image, mode: .evaluation) }
        }
    }
}

/// How fast images are handled, and how much arithmetic that is.
public struct Throughput: Hashable, Sendable {
    /// Images in a second.
    public var imagesPerSecond: Double
    /// The share of the time that was spent waiting for images.
    public var dataWait: Double
    /// Operations in a second, in units of 10¹².
    public var teraflops: Double

    /// Relates images to the seconds that they took, of which `waited` were spent waiting for them.
    ///
    /// - Parameter operations: the operations for one image.
    public init(images: Int, seconds: Double, waited: Double, operations: Double) {
        let seconds = max(seconds, 1e-9)
        imagesPerSecond = Double(images) / seconds
        dataWait = waited / seconds
        teraflops = imagesPerSecond * operations / 1e12
    }
}
