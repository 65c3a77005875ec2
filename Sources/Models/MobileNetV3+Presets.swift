import Diagnostics
import Layers

extension MobileNetV3 {
    static let presets = [
        preset("mobilenetv3_large_100", 1, large, last: 960, features: 1280),
        preset("mobilenetv3_small_100", 1, small, last: 576, features: 1024),
        preset("mobilenetv3_small_050", 0.5, small, last: 576, features: 1024),
    ]

    private static let large = """
        e1k3s1c16n1re e4k3s2c24n1re,e3k3s1c24n1re e3k5s2c40n3sere e6k3s2c80n1,e2.5k3s1c80n1,e2.3k3s1c80n2 \
        e6k3s1c112n2se e6k5s2c160n3se
        """

    private static let small = """
        e1k3s2c16n1sere e4.5k3s2c24n1re,e3.67k3s1c24n1re e4k5s2c40n1se,e6k5s1c40n2se e3k5s1c48n2se \
        e6k5s2c96n3se
        """

    private static func preset(
        _ name: String, _ multiplier: Double, _ stages: String, last: Int, features: Int
    ) -> ModelPreset {
        ModelPreset(
            name: name, imageSize: 224,
            options: { _ in
                [
                    "multiplier": .double(multiplier), "stem": 16, "stages": .string(stages),
                    "last": .int(last), "features": .int(features),
                    "batch_norm": .string(BatchNormPolicy.train.rawValue),
                ]
            },
            preprocessing: .imageNetBicubic,
            head: "classifier",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try MobileNetV3($0, $1, classCount: $2.classCount) })
    }
}

extension MobileNetV3.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        self.init(stages: try Self.stages(configuration))
        multiplier = try configuration.double("multiplier", in: 0.1...4)
        stem = try configuration.int("stem")
        last = try configuration.int("last")
        features = try configuration.int("features")
        batchNorm = try configuration.choice("batch_norm")
    }

    private static func stages(
        _ configuration: ModelConfiguration
    ) throws(Diagnostic) -> [[MobileNetV3.Group]] {
        let wrong = configuration.bad(
            "stages",
            "stages of blocks, such as 'e4k3s2c24n1re,e3k3s1c24n1re e3k5s2c40n3se': expansion, kernel, stride, "
                + "channels and number of blocks, 'se' for squeeze-and-excitation, 're' for ReLU")
        guard case .string(let text)? = configuration.options["stages"], !text.isEmpty else { throw wrong }
        var stages: [[MobileNetV3.Group]] = []
        for stage in text.split(separator: " ") {
            let words = stage.split(separator: ",", omittingEmptySubsequences: false)
            let groups = words.compactMap(MobileNetV3.Group.init)
            guard groups.count == words.count else { throw wrong }
            stages.append(groups)
        }
        return stages
    }
}

extension MobileNetV3.Group {
    /// Reads a word such as `e3k5s2c40n3sere`.
    init?(_ word: Substring) {
        guard
            let match = word.wholeMatch(
                of: /e([1-9]\d*(?:\.\d+)?)k([1357])s([12])c([1-9]\d*)n([1-9]\d*)(se)?(re)?/),
            let expansion = Double(match.1), let kernel = Int(match.2), let stride = Int(match.3),
            let channels = Int(match.4), let blocks = Int(match.5)
        else { return nil }
        self.init(
            expansion: expansion, kernel: kernel, stride: stride, channels: channels, blocks: blocks,
            isSqueezed: match.6 != nil, isReLU: match.7 != nil)
    }
}
