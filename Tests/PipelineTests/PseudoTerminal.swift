import Foundation
import Synchronization

/// A terminal of some size, and what a person would see on it.
final class PseudoTerminal: Sendable {
    /// The end that programs write to.
    let descriptor: Int32
    private let screen: Screen
    private let written = Mutex<[UInt8]>([])
    private let isRead = DispatchSemaphore(value: 0)

    init(columns: Int, rows: Int) throws {
        var (main, other) = (Int32(-1), Int32(-1))
        var size = winsize(
            ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        guard openpty(&main, &other, nil, nil, &size) == 0 else { throw CocoaError(.fileReadUnknown) }
        descriptor = other
        screen = Screen(columns: columns, rows: rows)
        let source = main
        let thread = Thread { [self] in
            var bytes = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(source, &bytes, bytes.count)
                guard count > 0 else { break }
                written.withLock { $0 += bytes[..<count] }
            }
            close(source)
            isRead.signal()
        }
        thread.start()
    }

    /// Whether nothing was written yet.
    var isEmpty: Bool { written.withLock { $0.isEmpty } }

    /// What stands there when nobody has it open any more, without empty lines at the end.
    func end() -> [String] {
        close(descriptor)
        isRead.wait()
        var screen = screen
        screen.show(String(decoding: written.withLock { $0 }, as: UTF8.self))
        return screen.text
    }
}

/// The lines of a terminal, those that have scrolled away with the others.
private struct Screen {
    let columns: Int
    let rows: Int
    private var lines: [[Character]] = [[]]
    private var (line, column) = (0, 0)

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    var text: [String] {
        var lines = lines.map { line in String(line.filter { $0 != "\0" }) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    mutating func show(_ text: String) {
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n": moveDown()
            case "\u{1B}":
                let end = rest.firstIndex { $0.properties.isAlphabetic } ?? rest.startIndex
                switch rest[end] {
                // What has scrolled away cannot be reached.
                case "A": line = max(line - 1, lines.count - rows, 0)
                case "K": lines[line] = []
                default: break
                }
                rest = rest[rest.index(after: end)...]
            default: put(scalar)
            }
        }
    }

    private mutating func moveDown() {
        line += 1
        if line == lines.count { lines.append([]) }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        // Enough for what the tests write.
        let isWide = (0x1100..<0xFF61).contains(scalar.value) && !(0x2000..<0x2E80).contains(scalar.value)
        let width =
            scalar.properties.generalCategory == .nonspacingMark
            ? 0 : isWide || scalar.value > 0x1F000 ? 2 : 1
        if column + width > columns {
            moveDown()
            column = 0
        }
        if width == 0, let last = lines[line].last {
            lines[line][lines[line].count - 1] = Character(String(last) + String(scalar))
            return
        }
        while lines[line].count < column + width { lines[line].append("\0") }
        lines[line][column] = Character(scalar)
        column += width
    }
}
