import Testing
import Vision

@testable import World

@Suite struct RendererTests {
    @Test(arguments: [
        (Domain.objects, "771aba5c99a1d06008607ca2b6a5d8d8"), (.overhead, "228586a0a79a8868de1350875086820f"),
        (.blobs, "96c781343f362c2c90575468c5842004"), (.layouts, "6fd220d38f1ca88bc36ecd6e5ae72ef9"),
        (.generic, "080dbdc99f0dfe9c8ad84d0c8217e515"),
    ])
    func `pictures are the same bytes on every machine`(domain: Domain, digest: String) throws {
        let source = WorldSource(domain: domain, seed: 1, splits: [WorldSplit("golden", count: 12)])
        let pixels = try source.members().flatMap { try source.image($0.member, atLeast: nil).pixels }
        #expect(ContentID.of(Image(width: 32, height: 32 * 12, pixels: pixels)) == digest)
    }

    @Test(arguments: Domain.allCases)
    func `mask, depth, normals and segments of a pixel agree`(domain: Domain) throws {
        let source = WorldSource(domain: domain, size: 24, seed: 3, splits: [WorldSplit("all", count: 10)])
        for member in try source.members() {
            let scene = try source.scene(member.member)
            let rendering = try source.rendering(member.member)
            let things = scene.planes.count + scene.bodies.count
            for pixel in 0..<24 * 24 {
                let isSky = rendering.instances[pixel] == 0
                #expect(rendering.instances[pixel] <= things)
                #expect((rendering.depth[pixel] == Rendering.skyDepth) == isSky)
                let normal = Vector3(
                    rendering.normals[3 * pixel], rendering.normals[3 * pixel + 1],
                    rendering.normals[3 * pixel + 2])
                #expect(isSky ? normal == .zero : abs(normal.length - 1) < 1e-3)
                let segment = try #require(Segment(rawValue: rendering.segments[pixel]))
                let body = Int(rendering.instances[pixel]) - 1 - scene.planes.count
                if body >= 0 { #expect(segment == Segment(scene.bodies[body].shape)) }
            }
        }
    }

    @Test func `a sphere's depth and normals are those of geometry`() throws {
        let rendering = Rendering(Self.sphere, size: 33)
        let centre = 16 * 33 + 16
        // Four units away, radius 0.8.
        #expect(rendering.instances[centre] == 1)
        #expect(abs(rendering.depth[centre] - 3.2) < 0.02)
        #expect(abs(rendering.normals[3 * centre + 2] - 1) < 0.01)
        #expect(rendering.instances[0] == 0)
        for pixel in 0..<33 * 33 where rendering.instances[pixel] == 1 {
            #expect(rendering.normals[3 * pixel + 2] > -0.1, "the surface that is seen faces the camera")
        }
        let right = 16 * 33 + 20
        let left = 16 * 33 + 12
        #expect(rendering.normals[3 * right] > 0.3)
        #expect(abs(rendering.normals[3 * right] + rendering.normals[3 * left]) < 0.01)
    }

    @Test func `the subject is in the picture`() throws {
        let source = WorldSource(domain: .objects, seed: 5, splits: [WorldSplit("all", count: 60)])
        for member in try source.members() {
            let rendering = try source.rendering(member.member)
            let subject = try #require(rendering.subject)
            let share = Double(rendering.instances.count { $0 == subject }) / Double(32 * 32)
            #expect(share > 0.04, "\(member.member)")
        }
    }

    @Test func `one scene looks alike at every size`() throws {
        let splits = [WorldSplit("all", count: 8)]
        for index in 0..<8 {
            let member = splits[0].member(index)
            let means = try [32, 48].map { size in
                let source = WorldSource(domain: .layouts, size: size, seed: 2, splits: splits)
                let pixels = try source.image(member, atLeast: nil).pixels
                return Double(pixels.reduce(0) { $0 + Int($1) }) / Double(pixels.count)
            }
            #expect(abs(means[0] - means[1]) < 2)
        }
    }

    @Test func `far patterns fade to their mean instead of flickering`() {
        let surface = Surface(
            texture: .stripes, primary: Vector3(repeating: 1), secondary: .zero, frequency: 10)
        #expect(surface.colour(u: 0.31, v: 0, footprint: 5).x == 0.5)
        #expect(surface.colour(u: 0.02, v: 0, footprint: 0).x == 1)
    }

    /// A sphere alone in the sky, four units before the camera.
    private static let sphere = Scene(
        domain: .objects, classIndex: 0, shape: .sphere, caption: "a sphere",
        camera: .looking(from: Vector3(0, 0, -4), at: .zero, slope: 0.4),
        light: Light(direction: .up, colour: Vector3(repeating: 0.7), ambient: Vector3(repeating: 0.3)),
        sky: Sky(),
        bodies: [
            Body(
                shape: .sphere, position: .zero, frame: .identity, size: 1,
                surface: Surface(
                    texture: .plain, primary: Vector3(repeating: 0.5), secondary: .zero, frequency: 1))
        ])
}
