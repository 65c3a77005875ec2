import Diagnostics

extension DepthwiseCNN {
    static let presets = [
        preset("dwcnn_xs", stem: 16, "32x2 64x4 96x3"),
        preset("dwcnn_s", stem: 24, "48x2 96x4 192x4"),
        preset("dwcnn_m", stem: 32, "64x2 128x6 256x6"),
    ]

    private static func preset(_ name: String, stem: Int, _ stages: String) -> ModelPreset {
        ModelPreset(
            name: name, imageSize: 32,
            options: { imageSize in
                [
                    "stem": .int(stem), "stages": .string(stages),
                    // Larger images are halved at once: at 64 pixels the first blocks would take most of the time.
                    "stem_stride": .int(imageSize < 64 ? 1 : 2),
                    "activation": .string(Activation.hardswish.rawValue), "batch_norm": "train",
                ]
            },
            preprocessing: .symmetric, head: "head",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try DepthwiseCNN($0, $1, classCount: $2.classCount) })
    }
}

extension DepthwiseCNN.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        self.init(stem: try configuration.int("stem"), stages: try configuration.stages("stages"))
        stemStride = try configuration.int("stem_stride")
        activation = try configuration.choice("activation")
        batchNorm = try configuration.choice("batch_norm")
    }
}
