public import Foundation

/// How maps are stored: a PNG of class numbers, or a NumPy array.
///
/// - segmentation: `seg.png`, a byte a pixel, 255 where nothing is known;
/// - depth: `depth.npy`, fp16 `[height, width]`, not a number where nothing is known;
/// - normals: `normals.npy`, int8 `[height, width, 2]`, the octahedral coordinates times 127, −128 where nothing is known.
extension DenseMap {
    /// The ending of a map's name, after the key of its image and a dot.
    public static func suffix(_ task: DenseTask) -> String {
        switch task {
        case .segmentation: "seg.png"
        case .depth: "depth.npy"
        case .normals: "normals.npy"
        }
    }

    private static let unknown: Int8 = -128

    /// The map as it is stored.
    public func encoded() throws -> Data {
        switch task {
        case .segmentation: return try ImageCodec.encodePNG(mask)
        case .depth:
            let halves = values.map { value -> UInt16 in
                let half = Float16(value)
                return (half.isFinite ? half : .nan).bitPattern.littleEndian
            }
            return NumPyHeader(type: "<f2", shape: [height, width]).data + halves.withUnsafeBytes { Data($0) }
        case .normals:
            var bytes = Data(capacity: 2 * width * height)
            for start in stride(from: 0, to: values.count, by: 3) {
                let (x, y) = Octahedron.encode(values[start], values[start + 1], values[start + 2])
                for value in [x, y] {
                    bytes.append(
                        UInt8(bitPattern: value.isNaN ? Self.unknown : Int8((value * 127).rounded())))
                }
            }
            return NumPyHeader(type: "|i1", shape: [height, width, 2]).data + bytes
        }
    }

    /// Reads a stored map.
    public init(_ task: DenseTask, stored data: Data) throws {
        switch task {
        case .segmentation: self.init(try Mask(png: data))
        case .depth:
            let (header, body) = try NumPyHeader.read(data, type: "<f2", rank: 2)
            self.init(
                task, width: header.shape[1], height: header.shape[0],
                values: stride(from: 0, to: body.count, by: 2).map {
                    Float(Float16(bitPattern: UInt16(body[$0]) | UInt16(body[$0 + 1]) << 8))
                })
        case .normals:
            let (header, body) = try NumPyHeader.read(data, type: "|i1", rank: 3)
            guard header.shape[2] == 2 else { throw ImageError.unreadable(reason: "no octahedral normals") }
            self.init(
                task, width: header.shape[1], height: header.shape[0],
                values: stride(from: 0, to: body.count, by: 2).flatMap { place -> [Float] in
                    let (x, y) = (Int8(bitPattern: body[place]), Int8(bitPattern: body[place + 1]))
                    guard x != Self.unknown else { return [.nan, .nan, .nan] }
                    return Octahedron.decode(Float(x) / 127, Float(y) / 127)
                })
        }
    }
}

/// Unit vectors as two numbers from −1 to 1: the sphere is projected onto an octahedron, and that unfolded.
///
/// Cigolle et al. 2014, "A Survey of Efficient Representations for Independent Unit Vectors", section 3.
enum Octahedron {
    static func encode(_ x: Float, _ y: Float, _ z: Float) -> (Float, Float) {
        let sum = abs(x) + abs(y) + abs(z)
        guard sum > 0 else { return (.nan, .nan) }
        let (u, v) = (x / sum, y / sum)
        return z >= 0 ? (u, v) : ((1 - abs(v)) * (u < 0 ? -1 : 1), (1 - abs(u)) * (v < 0 ? -1 : 1))
    }

    static func decode(_ u: Float, _ v: Float) -> [Float] {
        let z = 1 - abs(u) - abs(v)
        let (x, y) = z >= 0 ? (u, v) : ((1 - abs(v)) * (u < 0 ? -1 : 1), (1 - abs(u)) * (v < 0 ? -1 : 1))
        let length = (x * x + y * y + z * z).squareRoot()
        return [x / length, y / length, z / length]
    }
}

/// The header of a NumPy file, format 1.0.
private struct NumPyHeader {
    let type: String
    let shape: [Int]

    private static let magic = Data([0x93] + "NUMPY".utf8 + [1, 0])

    /// Padded with spaces so that the numbers begin at a multiple of 64 bytes.
    var data: Data {
        let sizes = shape.map(String.init).joined(separator: ", ")
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
        let unpadded = Self.magic.count + 2 + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let count = text.utf8.count
        return Self.magic + Data([UInt8(count & 255), UInt8(count >> 8)]) + Data(text.utf8)
    }

    /// The header and the numbers' bytes of a file whose type and rank are known.
    static func read(_ data: Data, type: String, rank: Int) throws -> (header: NumPyHeader, body: [UInt8]) {
        let bytes = [UInt8](data)
        guard bytes.count > 10, bytes.starts(with: magic) else {
            throw ImageError.unreadable(reason: "the map is not a NumPy file")
        }
        let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        guard start <= bytes.count,
            let match = String(decoding: bytes[10..<start], as: UTF8.self).firstMatch(
                of: /'descr': '(.*?)', 'fortran_order': False, 'shape': \((.*?)\)/),
            match.1 == type
        else { throw ImageError.unreadable(reason: "the map is not a NumPy file of \(type)") }
        let shape = match.2.split(separator: ",").compactMap {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        let width = type == "<f2" ? 2 : 1
        guard shape.count == rank, shape.allSatisfy({ 0...ImageCodec.sideLimit ~= $0 }),
            shape.reduce(width, *) == bytes.count - start
        else { throw ImageError.unreadable(reason: "the map has another size than it says") }
        return (NumPyHeader(type: type, shape: shape), Array(bytes[start...]))
    }
}
