/// The values of a column, row by row: texts end to end in one buffer, or whole numbers.
struct ParquetColumn: Sendable {
    private var bytes: [UInt8] = []
    /// Where the text of each row ends; empty for numbers.
    private var ends: [Int] = []
    private var numbers: [Int64] = []
    /// Whether each row has a value; nil while all have.
    private var hasValue: [Bool]?
    let isText: Bool

    init(isText: Bool) { self.isText = isText }

    /// The number of rows.
    var count: Int { isText ? ends.count : numbers.count }

    /// The text of a row, or its number in digits; nil where there is none.
    func text(_ row: Int) -> String? {
        guard hasValue?[row] ?? true else { return nil }
        guard isText else { return "\(numbers[row])" }
        return String(decoding: bytes[(row == 0 ? 0 : ends[row - 1])..<ends[row]], as: UTF8.self)
    }

    /// The whole number of a row; nil where there is none.
    func int(_ row: Int) -> Int? {
        guard !isText, hasValue?[row] ?? true else { return nil }
        return Int(exactly: numbers[row])
    }

    mutating func append(_ text: ArraySlice<UInt8>) {
        bytes += text
        ends.append(bytes.count)
        hasValue?.append(true)
    }

    mutating func append(_ number: Int64) {
        numbers.append(number)
        hasValue?.append(true)
    }

    mutating func appendNothing() {
        if hasValue == nil { hasValue = Array(repeating: true, count: count) }
        if isText { ends.append(bytes.count) } else { numbers.append(0) }
        hasValue?.append(false)
    }

    /// Appends a value of another column of the same kind.
    mutating func append(_ row: Int, of other: ParquetColumn) {
        guard other.hasValue?[row] ?? true else { return appendNothing() }
        if isText {
            append(other.bytes[(row == 0 ? 0 : other.ends[row - 1])..<other.ends[row]])
        } else {
            append(other.numbers[row])
        }
    }
}
