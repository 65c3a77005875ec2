import Foundation
import Synchronization

/// A source whose images may be asked for in part, by a name with a rectangle behind it (``ImageCrop``).
struct CropSource: ImageSource {
    private let base: any ImageSource
    private let recent = RecentImages()

    init(_ base: any ImageSource) { self.base = base }

    var classes: [String] { base.classes }

    func members() throws -> [SourceMember] { try base.members() }

    func contentFiles() throws -> [URL] { try base.contentFiles() }

    /// Nil for part of an image, which has no file.
    func bytes(of member: String) throws -> Data? {
        ImageCrop.split(member) == nil ? try base.bytes(of: member) : nil
    }

    func maskBytes(of member: String) throws -> Data? {
        ImageCrop.split(member) == nil ? try base.maskBytes(of: member) : nil
    }

    func map(of member: String, _ task: DenseTask) throws -> DenseMap? {
        ImageCrop.split(member) == nil ? try base.map(of: member, task) : nil
    }

    func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
        guard let (image, crop) = ImageCrop.split(member) else {
            return try base.image(member, atLeast: shortSide)
        }
        // Rectangles are in pixels of the whole image, so that none may be decoded at a smaller size.
        return try recent.image(image) { try base.image(image, atLeast: nil) }.cropped(to: crop)
    }

    func part(_ member: String, showing view: ViewParameters, atLeast shortSide: Int?) throws -> ImagePart {
        guard ImageCrop.split(member) != nil else {
            return try base.part(member, showing: view, atLeast: shortSide)
        }
        return ImagePart(whole: try image(member, atLeast: nil))
    }
}

/// The images that were decoded last: the squares of one come one after another.
private final class RecentImages: Sendable {
    private static let count = 16
    private let images = Mutex<[(member: String, image: Image)]>([])

    func image(_ member: String, decode: () throws -> Image) throws -> Image {
        if let known = images.withLock({ $0.first { $0.member == member }?.image }) { return known }
        let image = try decode()
        images.withLock { images in
            if images.count == Self.count { images.removeFirst() }
            images.append((member, image))
        }
        return image
    }
}
