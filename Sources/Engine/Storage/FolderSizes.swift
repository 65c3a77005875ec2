internal import Foundation

/// Adds up the sizes of files; a file with several names counts once.
struct FolderSizes {
    private struct FileNumber: Hashable {
        var device: UInt
        var number: UInt
    }

    private var seen = Set<FileNumber>()

    /// The bytes of the files below a folder that were not counted before; zero when it is not there.
    mutating func add(_ folder: String) -> Int {
        var total = 0
        var open = [folder]
        while let path = open.popLast() {
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
                open += names.map { "\(path)/\($0)" }
            } else if status.st_nlink < 2
                || seen.insert(FileNumber(device: UInt(status.st_dev), number: UInt(status.st_ino))).inserted
            {
                total += Int(status.st_size)
            }
        }
        return total
    }

    /// The bytes of the files below a folder.
    static func bytes(below folder: String) -> Int {
        var sizes = FolderSizes()
        return sizes.add(folder)
    }
}
