public import Diagnostics
public import Foundation

/// Tar shards in WebDataset form: the files of one sample share their name up to the first dot.
///
/// A sample is an image (`.jpg`, `.jpeg`, `.png`, `.webp`), alone or with a `.cls` (the label's number), a
/// `.txt` (a caption) or a `.json` (`label`, a number or a class name; `caption` or `captions`). Samples are read
/// in the order of the shards and, within a shard, of its images; a member is called `<shard file>#<file>`.
public struct WebDatasetSource: ImageSource {
    /// The class names; the labels' numbers where the shards hold numbers and no names were given.
    public let classes: [String]
    private let archives: [TarArchive]
    private let samples: [SourceMember]
    private let places: [String: Place]

    private struct Place: Sendable {
        let archive: Int
        let entry: TarArchive.Entry
    }

    /// Opens shards; each text is a path, relative to `directory`, in which braces are expanded.
    ///
    /// `classes` names the labels' numbers.
    public init(
        shards patterns: [String], in directory: URL = URL(filePath: "."), classes: [String]? = nil
    ) throws(Problems) {
        var problems = Problems()
        var archives: [TarArchive] = []
        for pattern in patterns {
            for file in Self.files(of: [pattern], in: directory, &problems) {
                do throws(Diagnostic) { archives.append(try TarArchive(file)) } catch {
                    problems.report(error)
                }
            }
        }
        var draft = WebDatasetDraft(given: classes)
        var places: [String: Place] = [:]
        for (index, archive) in archives.enumerated() {
            for (member, entry) in draft.read(archive) {
                if let other = places.updateValue(Place(archive: index, entry: entry), forKey: member) {
                    let shards = [archives[other.archive], archive].map(\.url.path)
                    problems.report(
                        Diagnostic(
                            "'\(member)' is there twice: in \(shards[0]) and in \(shards[1])",
                            hint: "file names of shards, and of images within one, must differ",
                            exitCode: .badData))
                }
            }
        }
        if patterns.isEmpty { problems.report(Diagnostic("no shard is named")) }
        let (samples, names) = draft.finish(&problems)
        try problems.check()
        self.archives = archives
        self.places = places
        self.samples = samples
        self.classes = names
    }

    /// The shards that patterns name, in order, whether they are there or not.
    public static func files(
        of patterns: [String], in directory: URL = URL(filePath: ".")
    ) throws(Problems) -> [URL] {
        var problems = Problems()
        let files = files(of: patterns, in: directory, &problems)
        try problems.check()
        return files
    }

    private static func files(
        of patterns: [String], in directory: URL, _ problems: inout Problems
    ) -> [URL] {
        var files: [URL] = []
        for pattern in patterns {
            do throws(Diagnostic) {
                files += try BraceExpansion.expand(pattern).map { URL.file($0, in: directory) }
            } catch { problems.report(error) }
        }
        return files
    }

    /// Every image, in the order of the shards.
    public func members() -> [SourceMember] { samples }

    /// The image's bytes, straight from the mapped shard.
    public func bytes(of member: String) throws -> Data? {
        guard let place = places[member] else { throw ImageError.unreadable(reason: "no such member") }
        return archives[place.archive].bytes(of: place.entry)
    }

    /// The shards, in the order given.
    public func contentFiles() -> [URL] { archives.map(\.url) }
}

/// Collects samples until the labels of all shards are known, for names become numbers only then.
private struct WebDatasetDraft {
    private enum Label {
        case number(Int)
        case name(String)
    }

    private let given: [String]?
    private var samples: [(member: SourceMember, label: Label?)] = []
    private var problems = Problems()

    init(given: [String]?) { self.given = given }

    /// Adds the samples of a shard; returns where each image lies.
    mutating func read(_ archive: TarArchive) -> [(String, TarArchive.Entry)] {
        let shard = archive.url.lastPathComponent
        var companions: [String: [String: TarArchive.Entry]] = [:]
        var images: [(key: String, entry: TarArchive.Entry)] = []
        for entry in archive.entries {
            let (key, suffix) = Self.split(entry.name)
            switch suffix {
            case "jpg", "jpeg", "png", "webp": images.append((key, entry))
            case "cls", "txt", "json": companions[key, default: [:]][suffix] = entry
            default: break
            }
        }
        return images.map { key, entry in
            var sample = SourceMember(split: "all", member: "\(shard)#\(entry.name)")
            let label = label(companions[key] ?? [:], archive, &sample)
            samples.append((sample, label))
            return (sample.member, entry)
        }
    }

    /// The name up to the first dot of its last component, and what follows that dot.
    private static func split(_ name: String) -> (key: String, suffix: String) {
        let start = name.lastIndex(of: "/").map(name.index(after:)) ?? name.startIndex
        guard let dot = name[start...].firstIndex(of: ".") else { return (name, "") }
        return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
    }

    private mutating func label(
        _ companions: [String: TarArchive.Entry], _ archive: TarArchive, _ sample: inout SourceMember
    ) -> Label? {
        var label: Label?
        if let entry = companions["txt"] {
            let text = String(decoding: archive.bytes(of: entry), as: UTF8.self)
            sample.captions = [text.trimmingCharacters(in: .whitespacesAndNewlines)]
        }
        if let entry = companions["json"] {
            let object = try? JSONSerialization.jsonObject(with: archive.bytes(of: entry)) as? [String: Any]
            if object == nil { report(archive, entry, "is not a JSON object") }
            sample.captions =
                object?["captions"] as? [String] ?? (object?["caption"] as? String).map { [$0] }
                ?? sample.captions
            switch object?["label"] {
            case nil, is NSNull: break
            case let name as String: label = .name(name)
            case let number as Int where SourceMember.labels.contains(number): label = .number(number)
            default: report(archive, entry, "has a label that is neither a class name nor a number from 0")
            }
        }
        if let entry = companions["cls"] {
            let text = String(decoding: archive.bytes(of: entry), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            if let number = Int(text), SourceMember.labels.contains(number) {
                label = .number(number)
            } else {
                report(archive, entry, "must hold the label's number from 0, not '\(text.prefix(40))'")
            }
        }
        return label
    }

    /// Numbers the labels.
    func finish(_ problems: inout Problems) -> (samples: [SourceMember], classes: [String]) {
        problems.report(self.problems)
        var names = Set<String>()
        var highest = -1
        for case .some(let label) in samples.map(\.label) {
            switch label {
            case .number(let number): highest = max(highest, number)
            case .name(let name): names.insert(name)
            }
        }
        if highest >= 0, !names.isEmpty {
            problems.report(
                Diagnostic("labels are numbers in some samples and names in others", exitCode: .badData))
        }
        let classes = given ?? (highest >= 0 ? (0...highest).map(String.init) : names.sorted())
        let numbers = Dictionary(classes.enumerated().map { ($1, $0) }) { first, _ in first }
        if highest >= classes.count {
            problems.report(
                Diagnostic(
                    "label \(highest) has no name: \(classes.count) classes are named", exitCode: .badData))
        }
        for name in names.subtracting(classes).sorted() {
            problems.report(
                Diagnostic(
                    "class '\(name)' is not among those named", hint: name.didYouMean(classes),
                    exitCode: .badData))
        }
        let labelled = samples.map { sample, label in
            var sample = sample
            switch label {
            case .number(let number): sample.label = number
            case .name(let name): sample.label = numbers[name]
            case nil: break
            }
            return sample
        }
        return (labelled, classes)
    }

    private mutating func report(_ archive: TarArchive, _ entry: TarArchive.Entry, _ what: String) {
        problems.report(
            Diagnostic("\(archive.url.lastPathComponent)#\(entry.name) \(what)", exitCode: .badData))
    }
}
