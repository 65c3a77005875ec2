/// What the one decode of an image found.
public struct ScannedImage: Sendable {
    /// The image as its source lists it.
    public let member: SourceMember
    /// Its record, or why it cannot be used.
    public let outcome: Result<ImageRecord, ImageError>
}

/// Decodes every image of a source once, in order, so that everything later relies on whole images.
///
/// Damaged images are outcomes, not errors: whoever scans quarantines and counts them.
public final class ImageScan {
    /// The images to scan.
    public let members: [SourceMember]
    private let workers: OrderedWorkers<ScannedImage>

    /// Starts scanning under the data set's name that records carry; a resumed scan starts `from` a later image.
    public init(_ source: any ImageSource, dataset: String, workers: Int = 2, from: Int = 0) throws {
        let members = try source.members()
        self.members = members
        let rest = min(from, members.count)..<members.count
        self.workers = OrderedWorkers(rest, threads: workers, ahead: 64 * workers) { index, _ in
            let member = members[index]
            do {
                let record = try Self.record(of: member, in: source, dataset: dataset)
                return ScannedImage(member: member, outcome: .success(record))
            } catch let error as ImageError {
                return ScannedImage(member: member, outcome: .failure(error))
            }
        }
    }

    /// The next image, in the source's order; nil after the last.
    public func next() throws -> ScannedImage? { try workers.next() }

    private static func record(
        of member: SourceMember, in source: any ImageSource, dataset: String
    ) throws -> ImageRecord {
        let data = try source.bytes(of: member.member)
        let image = try data.map { try ImageCodec.decode($0) } ?? source.image(member.member, atLeast: nil)
        return ImageRecord(
            id: data.map(ContentID.of) ?? ContentID.of(image), dataset: dataset, member: member.member,
            label: member.label, width: image.width, height: image.height)
    }
}
