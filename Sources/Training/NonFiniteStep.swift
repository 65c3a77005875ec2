public import Vision

/// A step whose loss or gradient is not a finite number, with the images of its batch, so that the cause can be found.
public struct NonFiniteStep: Error, CustomStringConvertible {
    /// What is not finite.
    public enum Quantity: String, Sendable {
        /// The loss, and so everything after it.
        case loss
        /// The gradient of a loss that is finite.
        case gradient
    }

    /// The step, from one.
    public let step: Int
    /// What is not finite.
    public let quantity: Quantity
    /// The batch's images.
    public let images: [ImageRecord]

    /// What happened, with the first images of the batch.
    public var description: String {
        "the \(quantity.rawValue) is not finite at step \(step); lower learning_rate, or look at the batch's "
            + "\(images.count) images, \(images.prefix(4).map(Self.name).joined(separator: ", "))"
            + (images.count > 4 ? " … (the journal has all)" : "")
    }

    /// What happened, with all images of the batch, for the journal.
    public var record: String {
        "the \(quantity.rawValue) is not finite at step \(step), images: "
            + images.map { "\(Self.name($0)) \($0.id)" }.joined(separator: ", ")
    }

    private static func name(_ image: ImageRecord) -> String { "\(image.dataset)/\(image.member)" }
}
