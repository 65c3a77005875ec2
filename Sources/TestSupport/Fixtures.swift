public import Foundation
public import Safetensors
public import Tensors

/// Files that tests compare with, and the numbers both sides of a comparison are made from.
public enum Fixtures {
    /// A file of a case, below `Tests/Fixtures`.
    public static func url(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Tests/Fixtures").appending(path: name)
    }

    /// The numbers `fixture.noise` makes in Python: splitmix64 of the name's FNV-1a hash and the index.
    public static func noise(
        _ name: String, _ shape: [Int], scale: Double = 1, offset: Double = 0
    ) -> [Float] {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<shape.reduce(1, *)).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            return Float(offset + scale * (Double(z >> 40) / 8_388_608 - 1))
        }
    }

    /// The numbers of `noise` in a tensor.
    public static func tensor(
        _ name: String, _ shape: Int..., scale: Double = 1, offset: Double = 0
    ) throws -> Tensor {
        try Tensor(noise(name, shape, scale: scale, offset: offset), shape: shape)
    }

    /// The weight `fixture.fill` makes in Python for a tensor of a state dict.
    public static func weight(_ name: String, _ shape: [Int]) throws -> Tensor {
        let last = name.split(separator: ".").last ?? ""
        if last == "num_batches_tracked" { return try .zeros(shape, dtype: .int64) }
        if last == "running_var" || last == "weight" && shape.count == 1 {
            return try Tensor(noise(name, shape, scale: 0.2, offset: 1), shape: shape)
        }
        let fanIn = Double(shape.dropFirst().reduce(1, *))
        let scale = last == "weight" ? (6 / fanIn).squareRoot() : 0.1
        return try Tensor(noise(name, shape, scale: scale), shape: shape)
    }

    /// The tensors that a file of names pins: name, PyTorch's word for the type, and shape, in order.
    ///
    /// A line is `count name type shape`; a star in the name stands for the numbers below `count`.
    public static func pinnedTensors(
        _ file: String
    ) throws -> [(name: String, type: String, shape: [Int])] {
        try String(contentsOf: url(file), encoding: .utf8).split(separator: "\n").flatMap { line in
            let words = line.split(separator: " ").map(String.init)
            let shape = words[3] == "scalar" ? [] : words[3].split(separator: "x").compactMap { Int($0) }
            return (0..<(Int(words[0]) ?? 0)).map { number in
                let name = words[1].split(separator: ".").map { $0 == "*" ? "\(number)" : $0 }
                return (name.joined(separator: "."), words[2], shape)
            }
        }
    }

    /// What `fixture.probes` makes in Python: the norm of each tensor, and its product with noise.
    public static func probes(_ named: [(name: String, tensor: Tensor)]) throws -> [Float] {
        try named.flatMap { name, tensor in
            let values = try tensor.floats()
            let noise = noise(name + ".probe", tensor.shape)
            let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            return [Float(norm), Float(zip(values, noise).reduce(0.0) { $0 + Double($1.0 * $1.1) })]
        }
    }
}

extension Tolerance {
    /// The first place where a tensor is too far from the one of that name in a file; nil when there is none.
    public func mismatch(_ tensor: Tensor, _ file: SafetensorsFile, _ name: String) throws -> String? {
        let expected = try file.tensor(name).shape
        guard tensor.shape == expected else { return "\(tensor.shape) instead of \(expected)" }
        return try mismatch(tensor.floats(), file.floats(name))
    }
}
