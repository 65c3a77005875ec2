import Foundation
import Tensors
import Testing
import Vision

/// Whole images as models see them that cut out the centre, beside what timm's transform shows.
@Suite struct CentreCropTests {
    private static let folder = Fixture.directory.deletingLastPathComponent().appending(path: "crop")

    private struct Case: CustomTestStringConvertible {
        let image: String
        let size: ViewSize
        let share: Double
        var testDescription: String { "\(image) \(size.side) \(size.interpolation.rawValue) \(share)" }
        var file: String { "\(image)-\(size.side)-\(size.interpolation.rawValue)-\(share).rgb" }
    }

    private static let cases = ["wide", "tall"].flatMap { image in
        [
            Case(image: image, size: ViewSize(96, interpolation: .bicubic), share: 0.875),
            Case(image: image, size: ViewSize(64), share: 0.9),
            Case(image: image, size: ViewSize(112, interpolation: .bicubic), share: 0.95),
        ]
    }

    @Test(arguments: cases) private func `shows what timm shows`(_ test: Case) throws {
        let image = try ImageCodec.decode(
            Data(contentsOf: Self.folder.appending(path: "\(test.image).jpg")))
        let view = ViewPolicy.centreCrop(share: test.share)
            .parameters(id: "", view: 0, seed: 0, width: image.width, height: image.height)
        let found = try render(image, view, size: test.size).pixels
        let expected = [UInt8](try Data(contentsOf: Self.folder.appending(path: test.file)))
        try #require(found.count == expected.count)
        let largest = zip(found, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(largest <= 1)
    }

    @Test func `a large image is decoded small, but not smaller than what is cut out of it`() {
        let view = ViewPolicy.centreCrop(share: 0.875)
            .parameters(id: "", view: 0, seed: 0, width: 1200, height: 900)
        #expect(view.shortSide(for: 224, width: 1200, height: 900) == 256)
        #expect(
            ViewParameters(top: 0, left: 0, height: 900, width: 900).shortSide(
                for: 224, width: 1200, height: 900) == 224)
    }

    @Test func `views without a centre are stored as they were`() throws {
        let text =
            #"{"brightness":1,"contrast":1,"flip":false,"height":3,"left":2,"saturation":1,"top":1,"width":4}"#
        let view = try JSONDecoder().decode(ViewParameters.self, from: Data(text.utf8))
        #expect(view == ViewParameters(top: 1, left: 2, height: 3, width: 4))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(view), as: UTF8.self) == text)
    }
}
