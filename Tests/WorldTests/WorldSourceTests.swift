import Foundation
import Testing
import Vision

@testable import World

@Suite struct WorldSourceTests {
    @Test func `an image depends on its key alone`() throws {
        let short = WorldSource(domain: .objects, seed: 9, splits: [WorldSplit("train", count: 4)])
        let long = WorldSource(
            domain: .objects, seed: 9, splits: [WorldSplit("test", count: 3), WorldSplit("train", count: 50)])
        for member in try short.members() {
            #expect(try short.image(member.member, atLeast: nil) == long.image(member.member, atLeast: nil))
        }
        let other = WorldSource(domain: .objects, seed: 10, splits: [WorldSplit("train", count: 4)])
        #expect(try short.image("train/000000", atLeast: nil) != other.image("train/000000", atLeast: nil))
    }

    @Test func `no two splits, domains or pools share an image`() throws {
        var seen: [String: String] = [:]
        var streams: Set<UInt64> = []
        for domain in Domain.allCases {
            for share in [1, 0.5] {
                let splits = ["train", "val", "test"].map { WorldSplit($0, count: 8, onDomain: share) }
                let source = WorldSource(domain: domain, size: 16, seed: 4, splits: splits)
                streams.formUnion(splits.map { $0.stream(in: domain) })
                for member in try source.members() {
                    let id = ContentID.of(try source.image(member.member, atLeast: nil))
                    let name = "\(domain) \(share) \(member.member)"
                    #expect(seen[id] == nil, "\(name) equals \(seen[id] ?? "")")
                    seen[id] = name
                }
            }
        }
        #expect(streams.count == Domain.allCases.count * 2 * 3)
    }

    @Test func `two splits of one name are a bug`() async {
        await #expect(processExitsWith: .failure) {
            _ = WorldSource(
                domain: .objects, splits: [WorldSplit("train", count: 1), WorldSplit("train", count: 2)])
        }
    }

    @Test(arguments: [Domain.objects, .overhead, .layouts])
    func `labels are balanced in every prefix, so label budgets are nested`(domain: Domain) throws {
        let classes = domain.classes.count
        let source = WorldSource(domain: domain, splits: [WorldSplit("train", count: 5 * classes)])
        let labels = try source.members().map(\.label)
        for budget in 1...5 {
            for index in 0..<classes {
                #expect(labels.prefix(budget * classes).count { $0 == index } == budget)
            }
        }
    }

    @Test func `blobs are imbalanced as in nature unless balance is asked for`() throws {
        let splits = [WorldSplit("test", count: 2000), WorldSplit("train", count: 70, isBalanced: true)]
        let members = try WorldSource(domain: .blobs, splits: splits).members()
        let test = members.filter { $0.split == "test" }
        #expect(abs(Double(test.count { $0.label == 0 }) / 2000 - 0.60) < 0.04)
        #expect((10...80).contains(test.count { $0.label == 6 }))
        let train = members.filter { $0.split == "train" }
        #expect((0..<7).allSatisfy { label in train.count { $0.label == label } == 10 })
    }

    @Test func `a pool holds the asked share of its domain, unlabelled elsewhere`() throws {
        let pool = WorldSplit("all", count: 3000, onDomain: 0.1)
        let members = try WorldSource(domain: .objects, splits: [pool]).members()
        #expect(abs(Double(members.count { $0.label != nil }) / 3000 - 0.1) < 0.02)
    }

    @Test func `skew makes the first class ten times as frequent as the last`() throws {
        let pool = WorldSplit("all", count: 6000, skew: 1)
        let labels = try WorldSource(domain: .overhead, splits: [pool]).members().map(\.label)
        let first = labels.count { $0 == 0 }, last = labels.count { $0 == 9 }
        #expect((6.0...16).contains(Double(first) / Double(last)))
    }

    @Test func `the generic mixture contains no class of a target domain`() throws {
        let generic = Set(Domain.generic.classes)
        for domain in Domain.allCases where domain != .generic {
            #expect(generic.isDisjoint(with: domain.classes))
            #expect(Set(domain.classes).count == domain.classes.count)
        }
        let source = WorldSource(domain: .generic, splits: [WorldSplit("all", count: 500)])
        for member in try source.members() {
            let scene = try source.scene(member.member)
            guard let shape = scene.shape, let texture = scene.texture else { continue }
            #expect(!Pairing.target.contains(Pairing(shape: shape, texture: texture)))
        }
    }

    @Test func `captions and labels speak of the same scene`() throws {
        let splits = [WorldSplit("all", count: 100)]
        let sources = Dictionary(
            uniqueKeysWithValues: LabelKind.allCases.map {
                ($0, WorldSource(domain: .objects, splits: splits, label: $0))
            })
        for index in 0..<100 {
            let member = splits[0].member(index)
            let scene = try #require(try sources[.class]?.scene(member))
            for kind in LabelKind.allCases {
                let source = try #require(sources[kind])
                let label = try #require(source.label(of: scene))
                let name = source.classes[label]
                let word =
                    switch kind {
                    case .class, .shape, .colour: name
                    case .texture: try #require(Texture(rawValue: name)).adjective
                    case .background: try #require(Background(rawValue: name)).phrase
                    }
                #expect(scene.caption.contains(word))
            }
        }
        let members = try #require(try sources[.colour]?.members())
        #expect(members.allSatisfy { $0.label != nil && $0.captions?.count == 1 })
    }

    @Test func `an unknown member is refused by name`() {
        let source = WorldSource(domain: .objects, splits: [WorldSplit("train", count: 4)])
        for member in ["train/000004", "val/000000", "train", "train/x", "train/-1"] {
            #expect(throws: UnknownMember.self) { try source.image(member, atLeast: nil) }
        }
        #expect(UnknownMember(member: "val/1").description == "the world has no image 'val/1'")
    }

    @Test func `a world of any size renders`() throws {
        for size in [1, 17, 48] {
            let source = WorldSource(domain: .objects, size: size, splits: [WorldSplit("train", count: 1)])
            #expect(try source.image("train/000000", atLeast: nil).shortSide == size)
        }
    }
}
