import Foundation

/// Reads as much of an ONNX file as tests look at, from nothing but protobuf's wire format.
struct OnnxReader {
    /// The fields of a message, by number: whole numbers and runs of bytes.
    struct Message {
        var numbers: [Int: [Int]] = [:]
        var bytes: [Int: [[UInt8]]] = [:]

        init(_ data: some Collection<UInt8>) throws {
            var rest = data[...]
            func varint() throws -> Int {
                var value: UInt64 = 0
                for shift in stride(from: UInt64(0), to: 70, by: 7) {
                    guard let byte = rest.popFirst() else { throw Malformed() }
                    value |= UInt64(byte & 0x7F) << shift
                    if byte < 0x80 { return Int(Int64(bitPattern: value)) }
                }
                throw Malformed()
            }
            while !rest.isEmpty {
                let key = try varint()
                switch key & 7 {
                case 0: numbers[key >> 3, default: []].append(try varint())
                case 2:
                    let count = try varint()
                    guard rest.count >= count else { throw Malformed() }
                    bytes[key >> 3, default: []].append(Array(rest.prefix(count)))
                    rest = rest.dropFirst(count)
                case 5:
                    guard rest.count >= 4 else { throw Malformed() }
                    bytes[key >> 3, default: []].append(Array(rest.prefix(4)))
                    rest = rest.dropFirst(4)
                default: throw Malformed()
                }
            }
        }

        func messages(_ field: Int) throws -> [Message] { try (bytes[field] ?? []).map { try Message($0) } }
        func texts(_ field: Int) -> [String] {
            (bytes[field] ?? []).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    struct Malformed: Error {}

    let model: Message
    let graph: Message

    init(_ data: some Collection<UInt8>) throws {
        model = try Message(data)
        graph = try Message(model.bytes[7]?.first ?? [])
    }

    /// The names and shapes of inputs (11) or outputs (12); a length that is open has a name.
    func ports(_ field: Int) throws -> [String: [String]] {
        var ports: [String: [String]] = [:]
        for port in try graph.messages(field) {
            let type = try port.messages(2)[0].messages(1)[0]
            ports[port.texts(1)[0]] = try type.messages(2)[0].messages(1).map { dimension in
                dimension.numbers[1].map { "\($0[0])" } ?? dimension.texts(2)[0]
            }
        }
        return ports
    }

    /// The operators' names.
    func operators() throws -> [String] { try graph.messages(1).flatMap { $0.texts(4) } }

    /// What a runtime would refuse, in words; nil where there is nothing.
    func problem() throws -> String? {
        if model.numbers[1] != [8] { return "the format is not version 8" }
        if try model.messages(8).map({ $0.numbers[2] }) != [[17]] {
            return "the operators are not version 17"
        }
        let widths = [1: 4, 2: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8]
        var known = Set(try ports(11).keys)
        for tensor in try graph.messages(5) {
            let name = tensor.texts(8)[0]
            let count = (tensor.numbers[1] ?? []).reduce(1, *)
            guard let width = widths[tensor.numbers[2]?[0] ?? 0], tensor.bytes[9]?[0].count == count * width
            else { return "'\(name)' has other bytes than its shape" }
            if !known.insert(name).inserted { return "two values are named '\(name)'" }
        }
        for node in try graph.messages(1) {
            let name = node.texts(3)[0]
            for input in node.texts(1) where !input.isEmpty && !known.contains(input) {
                return "\(name) reads '\(input)' before it is made"
            }
            for output in node.texts(2) where !known.insert(output).inserted {
                return "two values are named '\(output)'"
            }
        }
        for output in try ports(12).keys where !known.contains(output) { return "nothing makes '\(output)'" }
        return nil
    }
}
