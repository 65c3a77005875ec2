import Diagnostics
import Foundation

/// A file that is read in place: artifacts never change, and a million rows should not all be held.
///
/// The bytes are never written and live as long as this object, so threads may share it.
final class MappedFile: @unchecked Sendable {
    let url: URL
    let bytes: UnsafeBufferPointer<UInt8>

    /// Maps a file; nil when it is not there.
    init?(_ url: URL) throws {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.problem(url)
        }
        defer { close(descriptor) }
        let count = lseek(descriptor, 0, Int32(SEEK_END))
        guard count >= 0 else { throw Self.problem(url) }
        self.url = url
        guard count > 0 else {
            bytes = UnsafeBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw Self.problem(url)
        }
        bytes = UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: count)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }

    /// Gives the pages of a range that were read back to the system; what is needed again is read again.
    func release(_ range: Range<Int>) {
        guard let start = bytes.baseAddress else { return }
        let page = sysconf(Int32(_SC_PAGESIZE))
        let first = range.lowerBound / page * page
        madvise(UnsafeMutableRawPointer(mutating: start + first), range.upperBound - first, MADV_DONTNEED)
    }

    /// Gives all of them back.
    func release() { release(0..<bytes.count) }

    /// The line that begins at an offset, without its end.
    func line(at offset: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[offset..<endOfLine(from: offset)])
    }

    /// Where the line ends that holds an offset: at its newline, or at the end of the file.
    func endOfLine(from offset: Int) -> Int {
        guard let start = bytes.baseAddress, offset < bytes.count,
            let end = memchr(start + offset, Int32(UInt8(ascii: "\n")), bytes.count - offset)
        else { return bytes.count }
        return UnsafeRawPointer(end) - UnsafeRawPointer(start)
    }

    /// The file in about as many pieces of whole lines.
    func pieces(_ count: Int) -> [Range<Int>] {
        var starts = [0]
        for number in 1..<max(count, 2) {
            let end = endOfLine(from: max(bytes.count * number / max(count, 2), starts[starts.count - 1]))
            if end + 1 < bytes.count, end + 1 > starts[starts.count - 1] { starts.append(end + 1) }
        }
        return zip(starts, starts.dropFirst() + [bytes.count]).map { $0..<$1 }
    }

    /// The line of a damaged row, and what to do about it.
    func damage(at offset: Int, _ reason: String) -> Diagnostic {
        let line = 1 + bytes[..<min(offset, bytes.count)].count { $0 == UInt8(ascii: "\n") }
        return Diagnostic(
            "cannot read this row: \(reason)", at: SourceLocation(url.path, line, 1),
            hint: "the artifact is damaged; run the stage that made it again", exitCode: .badData)
    }

    private static func problem(_ url: URL) -> Diagnostic {
        Diagnostic("cannot read '\(url.path)': \(String(cString: strerror(errno)))", exitCode: .io)
    }
}
