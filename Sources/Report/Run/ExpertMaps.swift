import Foundation
import Stages

/// Images beside all maps that experts made of them, and how far the experts agree.
struct ExpertMaps {
    private let pictures: DenseLabelPictures
    private let sink: any ThumbnailSink
    private let (count, side): (Int, Int)

    /// Shows so many images, each picture at most `side` pixels wide.
    init(_ pictures: DenseLabelPictures, _ sink: any ThumbnailSink, images count: Int = 6, side: Int = 96) {
        self.pictures = pictures
        self.sink = sink
        (self.count, self.side) = (count, side)
    }

    /// The card; nothing where there is no image about which every expert said something.
    var card: Markup {
        guard let images = try? pictures.subjects(count), !images.isEmpty else { return .empty }
        let sets = pictures.sets
        let rows = images.map { image -> [Markup] in
            let reference = ImageReference(
                id: image.id, source: "\(image.dataset)/\(image.member)", dataset: image.dataset,
                member: image.member)
            let shown = sink.location(of: reference).map { picture($0, image.member) } ?? .text(image.member)
            return [shown]
                + sets.indices.map { expert in
                    guard let png = try? pictures.png(of: image, by: expert, side: side) else {
                        return .text("–")
                    }
                    let location = "data:image/png;base64,\(png.base64EncodedString())"
                    return picture(location, "\(sets[expert].node) of \(image.member)")
                }
        }
        return Block.card(
            "Images beside their maps",
            note:
                "Classes have a colour each, near is bright, normals point along red, green and blue; black is unknown."
        ) {
            Block.table(["image"] + sets.map(\.node), numeric: [], rows: rows)
            Markup.group(agreements.map { Block.note($0) })
        }
    }

    /// Every two experts of one task, and how far they agree.
    private var agreements: [String] {
        let sets = pictures.sets
        return sets.indices.flatMap { a in
            sets.indices.filter { $0 > a }.compactMap { b in
                guard let measure = try? pictures.agreement(a, b) else { return nil }
                return "‘\(sets[a].node)’ and ‘\(sets[b].node)’: \(measure)."
            }
        }
    }

    private func picture(_ location: String, _ text: String) -> Markup {
        HTML.img(.src(location), .alt(text), .width(Double(side)), .lazy)
    }
}
