import Tensors
import Testing

@testable import Export

@Suite struct ProtobufMessageTests {
    private func bytes(_ message: ProtobufMessage) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try message.write { bytes += $0 }
        #expect(bytes.count == message.byteCount)
        return bytes
    }

    @Test func `the examples of protobuf's documentation come out byte for byte`() throws {
        var number = ProtobufMessage()
        number.append(1, 150)
        #expect(try bytes(number) == [0x08, 0x96, 0x01])
        var text = ProtobufMessage()
        text.append(2, "testing")
        #expect(try bytes(text) == [0x12, 0x07] + Array("testing".utf8))
        var nested = ProtobufMessage()
        nested.append(3, number)
        #expect(try bytes(nested) == [0x1A, 0x03, 0x08, 0x96, 0x01])
        var negative = ProtobufMessage()
        negative.append(1, -2)
        #expect(try bytes(negative) == [0x08, 0xFE] + [UInt8](repeating: 0xFF, count: 8) + [0x01])
        var real = ProtobufMessage()
        real.append(2, Float(1))
        #expect(try bytes(real) == [0x15, 0x00, 0x00, 0x80, 0x3F])
    }

    @Test func `tensors keep their place among fields, however deep`() throws {
        var inner = ProtobufMessage()
        inner.append(1, 7)
        inner.append(9, try Tensor(bytes: [1, 2, 3]))
        inner.append(2, "x")
        var outer = ProtobufMessage()
        outer.append(5, inner)
        outer.append(5, inner)
        let expected: [UInt8] = [0x2A, 10, 0x08, 7, 0x4A, 3, 1, 2, 3, 0x12, 1, 0x78]
        #expect(try bytes(outer) == expected + expected)
    }
}
