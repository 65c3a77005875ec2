internal import Foundation

/// The few operations by which the store changes the disk, each of which either happens entirely or throws.
///
/// `probe` sees every operation before it happens; a test throws from it (a full disk) or ends the process (a
/// crash) at an instant of its choice.
struct Disk: Sendable {
    var probe: @Sendable (StoreError.Operation, String) throws -> Void = { _, _ in }

    /// Makes a folder and those above it; an existing one is fine.
    func createFolder(_ path: String) throws {
        guard !exists(path) else { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty { try createFolder(parent) }
        try probe(.create, path)
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw StoreError(errno, .create, path) }
    }

    /// Makes a folder, unless something of that name is there already; says whether it was made.
    func claimFolder(_ path: String) throws -> Bool {
        try probe(.create, path)
        if mkdir(path, 0o777) == 0 { return true }
        guard errno == EEXIST else { throw StoreError(errno, .create, path) }
        return false
    }

    /// The name under which a file is written before it is moved into place: `.plan.json.4711-0f3a….tmp`.
    ///
    /// The process id alone would not do: processes in two containers can have the same one.
    static func temporaryName(for name: String) -> String {
        ".\(name).\(getpid())-" + String(format: "%016lx", UInt.random(in: 0...UInt.max)) + ".tmp"
    }

    /// Whether a file's name is one that ``temporaryName(for:)`` gives, or gave in earlier versions: `.plan.json.4711.tmp`.
    static func isTemporary(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(".tmp") else { return false }
        let middle = name.dropFirst().dropLast(4)
        guard let dot = middle.lastIndex(of: "."), dot > middle.startIndex else { return false }
        let parts = middle[middle.index(after: dot)...].split(
            separator: "-", omittingEmptySubsequences: false)
        guard let process = parts.first, !process.isEmpty, process.allSatisfy({ ("0"..."9").contains($0) })
        else {
            return false
        }
        let isHexadecimal = parts.dropFirst().allSatisfy { part in
            part.count == 16 && part.allSatisfy { $0.isASCII && $0.isHexDigit }
        }
        return parts.count <= 2 && isHexadecimal
    }

    /// Replaces a file so that a reader, or a crash, sees the old content or the new, never a part.
    ///
    /// `isDurable` also waits for the disk, so that the new content survives a power cut.
    func replace(_ path: String, with data: Data, isDurable: Bool = true) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let temporary = "\(folder)/\(Self.temporaryName(for: (path as NSString).lastPathComponent))"
        try createFolder(folder)
        do {
            try write(data, to: temporary, isDurable: isDurable)
            try move(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
        if isDurable { try sync(folder) }
    }

    private func write(_ data: Data, to path: String, isDurable: Bool) throws {
        try probe(.write, path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw StoreError(errno, .create, path) }
        defer { close(descriptor) }
        try Self.write(data, to: descriptor, path: path)
        if isDurable && fsync(descriptor) != 0 { throw StoreError(errno, .sync, path) }
    }

    static func write(_ data: Data, to descriptor: Int32, path: String) throws {
        try data.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw StoreError(errno, .write, path) }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Renames a file or folder within the store's file system.
    func move(_ path: String, to destination: String) throws {
        try probe(.move, destination)
        if rename(path, destination) == 0 { return }
        let reason = errno
        // A folder that comes to lie in another one must be writable itself: the name of the one above is written in it.
        var status = stat()
        guard reason == EACCES, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_mode & 0o200 == 0, chmod(path, status.st_mode & 0o7777 | 0o200) == 0
        else { throw StoreError(reason, .move, destination) }
        guard rename(path, destination) == 0 else { throw StoreError(errno, .move, destination) }
    }

    /// Waits until a file's bytes, or a folder's entries, are on the disk.
    func sync(_ path: String) throws {
        try probe(.sync, path)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(errno, .sync, path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError(errno, .sync, path) }
    }

    /// Removes a folder with everything in it; one that is not there is fine.
    func removeFolder(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw StoreError(errno, .remove, path)
        }
        try probe(.remove, path)
        try Self.remove(path)
    }

    /// Removes everything in a folder, and not the folder itself.
    func emptyFolder(_ path: String) throws {
        Self.openUp(path)
        for name in try Self.names(in: path) {
            try probe(.remove, "\(path)/\(name)")
            try Self.remove("\(path)/\(name)")
        }
    }

    /// Removes a file, a link, or a folder with everything in it, folders that their owner may not write, too.
    private static func remove(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw StoreError(errno, .remove, path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw StoreError(errno, .remove, path) }
            return
        }
        Self.openUp(path)
        for name in try names(in: path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw StoreError(errno, .remove, path) }
    }

    /// Lets the owner of a folder read and write it.
    private static func openUp(_ folder: String) {
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & 0o700 != 0o700 else { return }
        // Where this is not allowed, what fails next says so.
        chmod(folder, status.st_mode & 0o7777 | 0o700)
    }

    private static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw StoreError(errno, .list, folder)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Whether something lies at a path.
    func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The paths, relative to a folder, of the files below it, in order.
    func files(below folder: String) throws -> [String] {
        var files: [String] = []
        func visit(_ relative: String) throws {
            let path = relative.isEmpty ? folder : "\(folder)/\(relative)"
            guard let stream = opendir(path) else { throw StoreError(errno, .list, path) }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                let child = relative.isEmpty ? name : "\(relative)/\(name)"
                var status = stat()
                guard lstat("\(folder)/\(child)", &status) == 0 else { throw StoreError(errno, .list, child) }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: try visit(child)
                case S_IFREG: files.append(child)
                default: throw StoreError("an artifact holds plain files and folders only", path: child)
                }
            }
        }
        try visit("")
        return files.sorted()
    }

    /// The size of a file, or nil when there is none.
    func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
