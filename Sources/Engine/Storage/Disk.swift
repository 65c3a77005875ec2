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

    /// Replaces a file so that a reader, or a crash, sees the old content or the new, never a part.
    ///
    /// `isDurable` also waits for the disk, so that the new content survives a power cut.
    func replace(_ path: String, with data: Data, isDurable: Bool = true) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let temporary = "\(folder)/.\((path as NSString).lastPathComponent).\(getpid()).tmp"
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
        guard exists(path) else { return }
        try probe(.remove, path)
        do { try FileManager.default.removeItem(atPath: path) } catch { throw StoreError(EIO, .remove, path) }
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
