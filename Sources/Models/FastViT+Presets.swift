import Diagnostics
import Layers

extension FastViT {
    static let presets = [
        preset("fastvit_t8", "48x2 96x2 192x4 384x2", expansion: 3),
        preset("fastvit_t12", "64x2 128x2 256x6 512x2", expansion: 3),
        preset("fastvit_s12", "64x2 128x2 256x6 512x2", expansion: 4),
        preset("fastvit_sa12", "64x2 128x2 256x6 512x2", expansion: 4, attention: 1),
    ]

    private static func preset(
        _ name: String, _ stages: String, expansion: Double, attention: Int = 0
    ) -> ModelPreset {
        var preset = ModelPreset(
            name: name, imageSize: 256,
            options: { _ in
                [
                    "stages": .string(stages), "expansion": .double(expansion), "attention": .int(attention),
                    "form": .string(Form.training.rawValue),
                    "batch_norm": .string(BatchNormPolicy.train.rawValue),
                ]
            },
            preprocessing: .imageNetBicubic,
            head: "head",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try FastViT($0, $1, classCount: $2.classCount) })
        preset.adapt = { state, configuration in
            // What is published is of the training form.
            try Shape(configuration).form == .inference && isTrainingForm(state)
                ? reparameterize(state, of: configuration) : state
        }
        return preset
    }
}

extension FastViT.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        self.init(stages: try configuration.stages("stages"))
        expansion = try configuration.double("expansion", in: 1...16)
        attention = try configuration.int("attention", atLeast: 0)
        form = try configuration.choice("form")
        batchNorm = try configuration.choice("batch_norm")
        guard attention <= stages.count else {
            throw configuration.bad("attention", "at most the number of stages, \(stages.count)")
        }
        let head = FastViTBlock.headWidth
        guard stages.suffix(attention).allSatisfy({ $0.channels.isMultiple(of: head) }) else {
            throw configuration.bad("stages", "channels that \(head) divides in stages that attend")
        }
        guard zip(stages, stages.dropFirst()).allSatisfy({ $1.channels.isMultiple(of: $0.channels) }) else {
            throw configuration.bad("stages", "channels that are a multiple of those of the stage before")
        }
    }
}
