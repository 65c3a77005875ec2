import Diagnostics
import Foundation
import Testing

@testable import Vision

@Suite struct WebDatasetSourceTests {
    @Test func `companion files give labels and captions`() throws {
        let source = try WebDatasetSource(shards: ["ustar.tar"], in: Fixture.directory)
        let members = source.members()
        #expect(members.count == 4 && source.classes == ["0", "1"])
        #expect(
            Array(members.prefix(3)) == [
                SourceMember(split: "all", member: "ustar.tar#folder/0001.jpg", label: 1),
                SourceMember(
                    split: "all", member: "ustar.tar#folder/0002.PNG", label: 0, captions: ["one", "two"]),
                SourceMember(split: "all", member: "ustar.tar#folder/0003.jpeg", captions: ["a caption"]),
            ])
        #expect(try source.image(members[1].member, atLeast: nil).width == 8)
        #expect(source.contentFiles().map(\.lastPathComponent) == ["ustar.tar"])
    }

    @Test func `shards are read in the order the braces give`() throws {
        let folder = try TemporaryFolder()
        let png = try ImageCodec.encodePNG(gradient(4, 4))
        for shard in 9...11 {
            let name = (shard < 10 ? "00" : "0") + String(shard)
            try folder.writeTar("s-\(name).tar", [("b.png", png), ("a.png", png), ("a.seg.png", png)])
        }
        let source = try WebDatasetSource(shards: ["s-{009..011}.tar"], in: folder.url)
        #expect(
            source.members().map(\.member) == [
                "s-009.tar#b.png", "s-009.tar#a.png", "s-010.tar#b.png", "s-010.tar#a.png", "s-011.tar#b.png",
                "s-011.tar#a.png",
            ])
    }

    @Test func `labels by name are numbered in sorted order, or as the classes are named`() throws {
        let folder = try TemporaryFolder()
        let png = try ImageCodec.encodePNG(gradient(4, 4))
        try folder.writeTar(
            "s.tar",
            [
                ("1.png", png), ("1.json", Data(#"{"label": "fox"}"#.utf8)), ("2.png", png),
                ("2.json", Data(#"{"label": "bee", "caption": "a bee"}"#.utf8)),
            ])
        let source = try WebDatasetSource(shards: ["s.tar"], in: folder.url)
        #expect(source.classes == ["bee", "fox"] && source.members().map(\.label) == [1, 0])
        let named = try WebDatasetSource(shards: ["s.tar"], in: folder.url, classes: ["fox", "ant", "bee"])
        #expect(named.members().map(\.label) == [0, 2])
        let found = problems { () throws(Problems) in
            _ = try WebDatasetSource(shards: ["s.tar"], in: folder.url, classes: ["fax", "bee"])
        }
        #expect(found == ["error: class 'fox' is not among those named\n  hint: did you mean 'fax'?"])
    }

    @Test func `every problem of every shard is reported at once`() throws {
        let folder = try TemporaryFolder()
        let png = try ImageCodec.encodePNG(gradient(4, 4))
        try folder.writeTar(
            "a.tar", [("1.png", png), ("1.png", png), ("2.png", png), ("2.cls", Data("one".utf8))])
        try folder.write("b.tar", tar([("2.png", png)]).prefix(540))
        let found = problems { () throws(Problems) in
            _ = try WebDatasetSource(shards: ["{a,b,c}.tar", "{d"], in: folder.url)
        }
        #expect(found.count == 5)
        #expect(found[0].contains("shard b.tar is truncated: member '2.png' at byte 0"))
        #expect(found[1].contains("c.tar: No such file or directory"))
        #expect(found[2].contains("unbalanced braces in '{d'"))
        #expect(found[3].contains("'a.tar#1.png' is there twice"))
        #expect(found[4] == "error: a.tar#2.cls must hold the label's number from 0, not 'one'")
    }
}

@Suite struct ImageFolderSourceTests {
    private let png: Data

    init() throws { png = try ImageCodec.encodePNG(gradient(4, 4)) }

    @Test func `folders of folders are splits of classes`() throws {
        let folder = try TemporaryFolder()
        for path in ["train/b/2.png", "train/b/1.PNG", "train/a/x/9.png", "test/b/1.png", "test/c/1.jpeg"] {
            try folder.write(path, png)
        }
        try folder.write("train/a/notes.txt", "no image")
        try folder.write("train/a/.hidden.png", png)
        let source = try ImageFolderSource(root: folder.url)
        #expect(source.classes == ["a", "b", "c"])
        #expect(
            source.members() == [
                SourceMember(split: "test", member: "test/b/1.png", label: 1),
                SourceMember(split: "test", member: "test/c/1.jpeg", label: 2),
                SourceMember(split: "train", member: "train/a/x/9.png", label: 0),
                SourceMember(split: "train", member: "train/b/1.PNG", label: 1),
                SourceMember(split: "train", member: "train/b/2.png", label: 1),
            ])
        #expect(try source.image("train/b/2.png", atLeast: 2).width == 4)
        #expect(source.contentFiles().count == 5)
        let train = try ImageFolderSource(root: folder.url, splits: ["train"])
        #expect(train.members().map(\.split) == ["train", "train", "train"])
        let found = problems { () throws(Problems) in
            _ = try ImageFolderSource(root: folder.url, splits: ["tran"])
        }
        #expect(
            found == ["error: there is no split 'tran' in \(folder.url.path)\n  hint: did you mean 'train'?"]
        )
    }

    @Test func `folders of files are classes, and files alone have no label`() throws {
        let folder = try TemporaryFolder()
        try folder.write("b/1.png", png)
        try folder.write("a/1.png", png)
        let source = try ImageFolderSource(root: folder.url)
        #expect(source.members().map(\.split) == ["all", "all"])
        #expect(source.members().map(\.label) == [0, 1])
        let flat = try ImageFolderSource(root: folder.url.appending(path: "b"))
        #expect(flat.members() == [SourceMember(split: "all", member: "1.png")])
        #expect(flat.classes.isEmpty)
    }

    @Test func `classes txt decides the order, and a folder it lacks is reported`() throws {
        let folder = try TemporaryFolder()
        for path in ["train/bee/1.png", "train/ant/1.png"] { try folder.write(path, png) }
        try folder.write("classes.txt", "bee\nwasp\nant\n")
        let source = try ImageFolderSource(root: folder.url)
        #expect(source.classes == ["bee", "wasp", "ant"] && source.members().map(\.label) == [2, 0])
        #expect(source.contentFiles().first?.lastPathComponent == "classes.txt")
        try folder.write("train/wisp/1.png", png)
        let found = problems { () throws(Problems) in _ = try ImageFolderSource(root: folder.url) }
        #expect(
            found == [
                "error: folder 'wisp' is not a class of \(folder.url.path)/classes.txt\n  hint: did you mean 'wasp'?"
            ])
    }

    @Test func `split lists are read in their order and checked line by line`() throws {
        let folder = try TemporaryFolder()
        for path in ["images/a/1.png", "images/a/2.png", "images/b/1.png"] { try folder.write(path, png) }
        let train = try folder.write("train.txt", "# the training split\nb/1.png\r\n\na/2.png\n")
        let test = try folder.write("test.txt", "a/1.png\n")
        let root = folder.url.appending(path: "images")
        let source = try ImageFolderSource(root: root, lists: ["train": train, "test": test])
        #expect(
            source.members().map { "\($0.split) \($0.member)" } == [
                "test a/1.png", "train b/1.png", "train a/2.png",
            ])
        #expect(source.members().map(\.label) == [0, 1, 0])
        try folder.write("test.txt", "a/1.png\na/3.png\na/1.png\n")
        let found = problems { () throws(Problems) in
            _ = try ImageFolderSource(root: root, lists: ["train": train, "test": test])
        }
        #expect(
            found == [
                "\(test.path):2:1: error: there is no file 'a/3.png' in \(root.path)",
                "\(test.path):3:1: error: 'a/1.png' is listed twice, first on line 1",
            ])
    }

    @Test func `an empty or missing folder is an error that says so`() throws {
        let folder = try TemporaryFolder()
        let missing = problems { () throws(Problems) in
            _ = try ImageFolderSource(root: folder.url.appending(path: "none"))
        }
        #expect(
            missing == [
                """
                error: there is no folder \(folder.url.path)/none
                  hint: a path is looked for in the folder in which retort runs, unless it begins with /
                """
            ])
        let empty = problems { () throws(Problems) in _ = try ImageFolderSource(root: folder.url) }
        #expect(empty.count == 1 && empty[0].contains("there are no images in"))
    }
}

@Suite struct ManifestSourceTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let png = try ImageCodec.encodePNG(gradient(4, 4))
        for name in ["a.png", "b.png", "c, \"d\".png", "e\nf.png"] { try folder.write("images/\(name)", png) }
    }

    @Test func `quoted fields may hold commas, quotes and line breaks`() throws {
        let csv = try folder.write(
            "list.csv",
            "\u{FEFF}path,label,split\r\nimages/b.png,fox,train\r\n\"images/c, \"\"d\"\".png\",\"bee\",train\r\n"
                + "\r\n\"images/e\nf.png\",,test\r\nimages/a.png,bee,")
        let source = try ManifestSource(csv)
        #expect(source.classes == ["bee", "fox"])
        #expect(
            source.members() == [
                SourceMember(split: "train", member: "images/b.png", label: 1),
                SourceMember(split: "train", member: "images/c, \"d\".png", label: 0),
                SourceMember(split: "test", member: "images/e\nf.png"),
                SourceMember(split: "all", member: "images/a.png", label: 0),
            ])
        #expect(try source.image("images/e\nf.png", atLeast: nil).width == 4)
        #expect(source.contentFiles().count == 5 && source.contentFiles()[0] == csv)
    }

    @Test func `numbers are labels as they stand, and class names them`() throws {
        let csv = try folder.write(
            "list.csv", "path,split,label,class\nimages/a.png,x,2,fox\nimages/b.png,x,0,ant\n")
        let source = try ManifestSource(csv)
        #expect(source.classes == ["ant", "1", "fox"] && source.members().map(\.label) == [2, 0])
        try folder.write("list.csv", "path,label,class\nimages/a.png,1,fox\nimages/b.png,1,bee\n")
        let found = problems { () throws(Problems) in _ = try ManifestSource(csv) }
        #expect(found == ["\(csv.path):3:1: error: label 1 is 'bee' here and 'fox' on line 2"])
    }

    @Test func `JSON Lines say the same with keys`() throws {
        let file = try folder.write(
            "list.jsonl",
            """
            {"path": "images/a.png", "label": "fox", "split": "train", "caption": "a fox"}

            {"path": "images/b.png"}
            """)
        let source = try ManifestSource(file)
        #expect(
            source.members() == [
                SourceMember(split: "train", member: "images/a.png", label: 0, captions: ["a fox"]),
                SourceMember(split: "all", member: "images/b.png"),
            ])
    }

    @Test func `every faulty line is reported where it is`() throws {
        let csv = try folder.write(
            "list.csv",
            "path,label\nimages/a.png,1,2\nimages/none.png,1\nimages/b.png,1\nimages/b.png,1\n,1\n")
        let found = problems { () throws(Problems) in _ = try ManifestSource(csv) }
        #expect(
            found == [
                "\(csv.path):2:1: error: 3 fields where the header has 2\n  hint: quote a field that holds a comma",
                "\(csv.path):6:1: error: the path is empty",
                "\(csv.path):3:1: error: there is no file 'images/none.png'",
                "\(csv.path):5:1: error: 'images/b.png' is listed twice, first on line 4",
            ])
        try folder.write("list.csv", "path,label\nimages/a.png,-1\nimages/b.png,3\n")
        let negative = problems { () throws(Problems) in _ = try ManifestSource(csv) }
        #expect(
            negative == [
                "\(csv.path):2:1: error: label -1 is no class number\n"
                    + "  hint: classes are counted from 0; leave the label empty where there is none"
            ])
        let lines = try folder.write("list.jsonl", "{\"pth\": \"images/a.png\"}\nnonsense\n")
        let faults = problems { () throws(Problems) in _ = try ManifestSource(lines) }
        #expect(
            faults == [
                "\(lines.path):1:1: error: the key 'path' is missing\n  hint: did you mean 'pth'?",
                "\(lines.path):2:1: error: this line is not a JSON object",
            ])
    }

    @Test func `a quote left open is located where it opens`() throws {
        let csv = try folder.write("list.csv", "path,label\nimages/a.png,\"fox\nimages/b.png,ant\n")
        let found = problems { () throws(Problems) in _ = try ManifestSource(csv) }
        #expect(found == ["\(csv.path):2:14: error: this quote is never closed"])
        try folder.write("list.csv", "path,label\nimages/a.png,\"fo\"x\n")
        let after = problems { () throws(Problems) in _ = try ManifestSource(csv) }
        #expect(after[0].hasPrefix("\(csv.path):2:18: error: text after the closing quote"))
    }
}
