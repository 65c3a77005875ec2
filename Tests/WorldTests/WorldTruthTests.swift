import Testing
import Vision

@testable import World

/// What the world says of its pixels, as a data set.
@Suite struct WorldTruthTests {
    private func source(_ truth: Set<DenseTask>) -> WorldSource {
        WorldSource(
            domain: .layouts, size: 24, seed: 5, splits: [WorldSplit("train", count: 6)], truth: truth)
    }

    @Test func `nothing is said unless it is asked for, and the images are the same`() throws {
        let (plain, rich) = (source([]), source(Set(DenseTask.allCases)))
        for member in try plain.members() {
            #expect(member.label != nil)
            #expect(try plain.maskBytes(of: member.member) == nil)
            #expect(try plain.map(of: member.member, .depth) == nil)
            #expect(try plain.image(member.member, atLeast: nil) == rich.image(member.member, atLeast: nil))
        }
        #expect(try rich.members().allSatisfy { $0.label == nil && $0.captions?.count == 1 })
        #expect(plain.classes == Domain.layouts.classes && rich.classes.first == "backdrop")
        #expect(try source([.depth]).members().allSatisfy { $0.label != nil })
    }

    @Test func `maps are the rendering's, without the sky`() throws {
        let source = source(Set(DenseTask.allCases))
        for member in try source.members().map(\.member) {
            let truth = try source.rendering(member)
            let mask = try Mask(png: #require(try source.maskBytes(of: member)))
            #expect(mask.pixels == truth.segments)
            let depth = try #require(try source.map(of: member, .depth))
            let normals = try #require(try source.map(of: member, .normals))
            for pixel in 0..<24 * 24 {
                let isSky = truth.instances[pixel] == 0
                #expect(depth.values[pixel].isNaN == isSky)
                #expect(normals.values[3 * pixel].isNaN == isSky)
                guard !isSky else { continue }
                #expect(depth.values[pixel] == truth.depth[pixel])
                #expect(
                    Array(normals.values[3 * pixel..<3 * pixel + 3])
                        == Array(truth.normals[3 * pixel..<3 * pixel + 3]))
            }
        }
    }
}
