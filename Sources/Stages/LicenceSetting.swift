internal import Engine
public import Foundation
internal import Training

/// The terms of images or weights, as whoever declares them in a pipeline knows them.
///
/// They decide nothing about bytes, so they are no part of a key: a record beside the content, which is brought up to
/// date without running anything again.
struct LicenceSetting: SettingGroup {
    @Setting(
        "The licence of these images or weights, for the cards of models that are made from them.",
        hashed: false)
    var licence: String?

    /// Notes the licence in an artifact's folder, or that there is none any more.
    func note(in directory: URL) throws {
        let file = directory.appending(path: Licences.file)
        let found = FileManager.default.contents(atPath: file.path)
        let wanted = Data((licence.map { $0 + "\n" } ?? "").utf8)
        guard wanted != found ?? Data() else { return }
        // Where there is none any more an empty file stays: an artifact must not lose one that it was published with.
        try wanted.write(to: file, options: .atomic)
    }
}

/// The licences of everything that an artifact was made from.
public enum Licences {
    /// The record's name in an artifact.
    static let file = "licence.txt"

    /// A line for each ancestor of an artifact, itself included, whose licence is known: `pool (images): CC-BY-4.0`.
    ///
    /// The artifact lies in a store, beside its ancestors; those that are gone are passed over.
    public static func ofAncestors(of artifact: URL) throws -> [String] {
        var lines: [String] = []
        var seen: Set<String> = []
        var open = [artifact]
        while let folder = open.popLast() {
            guard seen.insert(folder.lastPathComponent).inserted,
                FileManager.default.fileExists(
                    atPath: folder.appending(path: ArtifactRecord.fileName).path)
            else { continue }
            let record = try ArtifactRecord.read(at: folder)
            if let data = FileManager.default.contents(atPath: folder.appending(path: file).path),
                !data.isEmpty
            {
                let text = String(decoding: data, as: UTF8.self).split(separator: "\n").joined(separator: " ")
                lines.append("`\(record.node)` (\(record.kind)): \(text)")
            }
            if record.kind == Checkpoint.kind {
                lines += try ModelCard(in: folder).licences ?? []
            }
            open += record.inputs.map { artifact.deletingLastPathComponent().appending(path: $0.key) }
        }
        return Set(lines).sorted()
    }
}
