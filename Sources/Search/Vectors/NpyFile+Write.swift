public import Foundation

extension NpyFile {
    /// Writes an array in C order; the same values give the same bytes as `numpy.save`.
    ///
    /// The file appears whole or not at all.
    public static func write(_ values: [Float], shape: [Int], as type: NpyType, to file: URL) throws {
        let header = NpyHeader(type: type, shape: shape)
        precondition(
            header.count == values.count,
            "\(values.count) values cannot have the shape \(shape): this is a bug in Retort")
        var data = header.encoded
        data.reserveCapacity(data.count + values.count * type.size)
        switch type {
        case .float16: data.append(elements: values.map { Float16($0).bitPattern.littleEndian })
        case .float32: data.append(elements: values.map(\.bitPattern.littleEndian))
        case .float64: data.append(elements: values.map { Double($0).bitPattern.littleEndian })
        }
        try data.write(to: file, options: .atomic)
    }

    /// Writes an array whose elements are encoded already; the file appears whole or not at all.
    public static func write(encoded elements: Data, as header: NpyHeader, to file: URL) throws {
        precondition(
            elements.count == header.count * header.type.size,
            "\(elements.count) bytes are not an array of the shape \(header.shape): this is a bug in Retort")
        try (header.encoded + elements).write(to: file, options: .atomic)
    }
}

extension Data {
    fileprivate mutating func append(elements: [some FixedWidthInteger]) {
        elements.withUnsafeBytes { append(contentsOf: $0) }
    }
}
