internal import Diagnostics
public import Vision

/// Images with captions, cut into tokens once: what a CLIP learns from.
///
/// An image with several captions shows one of them at a time, drawn anew for each epoch.
public struct ImageTextPairs: Sendable {
    /// The images.
    public let records: [ImageRecord]
    /// The tokens of each image's captions.
    public let captions: [[[Int]]]
    private let seed: UInt64

    /// Takes the images that have a caption.
    ///
    /// - Throws: a `Diagnostic` where none has one.
    public init(_ records: [ImageRecord], for clip: LoadedCLIP, seed: UInt64) throws {
        let captioned = records.filter { !$0.spokenCaptions.isEmpty }
        guard !captioned.isEmpty else {
            throw Diagnostic(
                "none of the images has a caption",
                hint:
                    "captions come from .txt or .json files in shards, a manifest's caption column, or a world",
                exitCode: .badData)
        }
        var known: [String: [Int]] = [:]
        captions = captioned.map { record in
            record.spokenCaptions.map { text in
                if let tokens = known[text] { return tokens }
                let tokens = clip.tokens(text)
                known[text] = tokens
                return tokens
            }
        }
        self.records = captioned
        self.seed = seed
    }

    /// How many images there are.
    public var count: Int { records.count }

    /// The caption that an image shows in an epoch: a function of the seed, the image and the epoch.
    public func caption(of item: EpochSampler.Item) -> [Int] {
        let all = captions[item.index]
        guard all.count > 1 else { return all[0] }
        // Another key than that of the views, so that crops and captions are drawn independently.
        var random = Philox(
            seed: seed ^ 0x6361_7074_696F_6E73, stream: Philox.stream(of: records[item.index].id),
            substream: UInt32(truncatingIfNeeded: item.epoch))
        return all[random.index(below: all.count)]
    }
}

extension ImageRecord {
    /// The captions that say something: a blank one would be the same sentence for many images.
    var spokenCaptions: [String] { (captions ?? []).filter { !$0.allSatisfy(\.isWhitespace) } }
}
