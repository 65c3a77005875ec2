internal import Foundation

/// The kind of file system that a folder lies on.
///
/// On one that several machines share, the kernel's locks may hold for one machine only, and a rename may be seen
/// late elsewhere: there, one store must be written by one machine at a time.
public struct FileSystem: Hashable, Sendable {
    /// The kind, as the kernel names it: `ext4`, `nfs4`, `fuse.sshfs`.
    public let name: String
    /// Where it is mounted.
    public let mountPoint: String

    /// Whether several machines may write to it at once.
    public var isShared: Bool {
        let kinds: Set = [
            "nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "ceph", "gpfs", "mmfs", "beegfs", "9p", "afs",
            "ocfs2", "gfs2", "panfs", "orangefs", "pvfs2", "glusterfs", "virtiofs", "wekafs", "dvs",
        ]
        // A file system in user space is most often a remote one: sshfs, s3fs, gcsfuse.
        return kinds.contains(name) || name.hasPrefix("fuse.")
    }

    /// What a user of a store on it should know; nil when it is a local one.
    public var note: String? {
        isShared
            ? "the store is on a shared file system (\(name) at \(mountPoint)): let one machine at a time run in it, "
                + "because its locks may not reach others"
            : nil
    }

    /// The file system of a folder, or of the nearest folder above it that is there; nil when nobody can say.
    public static func of(_ folder: String) -> FileSystem? {
        var path = folder
        while access(path, F_OK) != 0, path != "/", !path.isEmpty {
            path = (path as NSString).deletingLastPathComponent
        }
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        // The kernel makes this file up as it is read; it has no size.
        let handle = FileHandle(forReadingAtPath: "/proc/self/mountinfo")
        guard let data = try? handle?.readToEnd() else { return nil }
        return of(String(cString: resolved), mounts: String(decoding: data, as: UTF8.self))
    }

    /// The file system of an absolute path, by the text of `/proc/self/mountinfo` (proc(5)).
    static func of(_ path: String, mounts: String) -> FileSystem? {
        var found: FileSystem?
        for line in mounts.split(separator: "\n") {
            // 36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            let point = unescaped(fields[4])
            let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
            // Of two mounts at one place, the later one lies on top.
            if isAbove && point.utf8.count >= found?.mountPoint.utf8.count ?? 0 {
                found = FileSystem(name: String(fields[dash + 1]), mountPoint: point)
            }
        }
        return found
    }

    /// Blanks and the like are written in octal: `\040`.
    private static func unescaped(_ field: Substring) -> String {
        ["\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"].reduce(String(field)) {
            $0.replacing($1.key, with: $1.value)
        }
    }
}

extension Store {
    /// The file system that the store is on.
    public var fileSystem: FileSystem? { FileSystem.of(root.path) }
}
