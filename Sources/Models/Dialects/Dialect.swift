/// How a library calls the tensors of a checkpoint.
public enum Dialect: String, Codable, CaseIterable, Hashable, Sendable {
    /// Retort's own architectures.
    case retort
    /// timm, and torchvision where the names agree; what Retort calls its tensors, too.
    case timm
    /// The original files of DINOv2.
    case dinov2
    /// Hugging Face's `Dinov2Model` and `Dinov2WithRegistersModel`.
    case huggingFaceDINOv2 = "huggingface-dinov2"
    /// Hugging Face's `DINOv3ViTModel`.
    case huggingFaceDINOv3 = "huggingface-dinov3"
    /// Hugging Face's `ViTModel`.
    case huggingFaceViT = "huggingface-vit"
    /// Hugging Face's `CLIPModel` and `CLIPVisionModel`.
    case huggingFaceCLIP = "huggingface-clip"
    /// OpenCLIP's and OpenAI's CLIP.
    case openCLIP = "openclip"
    /// None of these.
    case unknown
}

/// A dialect and where in a checkpoint its names begin.
struct DialectForm {
    let dialect: Dialect
    /// What training wrapped around the model, such as `module.`.
    let wrapper: String
    /// The name of the visual tower below the wrapper, such as `visual.`.
    let tower: String

    /// What stands before the names of the visual tower.
    var prefix: String { wrapper + tower }

    /// What training frameworks put before all names, and libraries before those of a part.
    private static let wrappers = [
        "module.", "_orig_mod.", "state_dict.", "model.", "backbone.", "net.", "encoder.", "teacher.",
        "student.", "visual.", "trunk.", "image_encoder.", "vision_tower.",
    ]

    /// The form under which most names make sense; the first of equals.
    static func detect(_ names: [String]) -> DialectForm {
        var best = DialectForm(dialect: .unknown, wrapper: "", tower: "")
        var bestCount = 0
        for wrapper in wrappersIn(names) {
            let inner = names.filter { $0.hasPrefix(wrapper) }.map { String($0.dropFirst(wrapper.count)) }
            for dialect in Dialect.allCases {
                for tower in dialect.towers {
                    // A text tower has the same names as a visual one that stands alone.
                    if dialect == .openCLIP, tower.isEmpty, inner.contains(where: { $0.hasPrefix("visual.") })
                    {
                        continue
                    }
                    let count = inner.count { dialect.knows($0, tower: tower) }
                    if count > bestCount {
                        bestCount = count
                        best = DialectForm(dialect: dialect, wrapper: wrapper, tower: tower)
                    }
                }
            }
        }
        return best
    }

    /// Every chain of wrappers that begins a name, the empty one first.
    private static func wrappersIn(_ names: [String]) -> [String] {
        var found = [""]
        var next = [""]
        for _ in 0..<4 where !next.isEmpty {
            next = next.flatMap { outer in
                wrappers.map { outer + $0 }.filter { chain in names.contains { $0.hasPrefix(chain) } }
            }
            found += next
        }
        return found
    }
}

extension Dialect {
    /// What the visual tower is called in checkpoints that hold it with others, and alone.
    fileprivate var towers: [String] {
        switch self {
        case .retort, .timm, .dinov2: [""]
        case .huggingFaceDINOv2: ["", "dinov2.", "dinov2_with_registers."]
        case .huggingFaceDINOv3: ["", "dinov3_vit."]
        case .huggingFaceViT: ["", "vit.", "deit."]
        case .huggingFaceCLIP: ["vision_model.", ""]
        case .openCLIP: ["visual.", ""]
        case .unknown: []
        }
    }

    /// Whether a name, without its wrapper, is one of this dialect's.
    fileprivate func knows(_ name: String, tower: String) -> Bool {
        switch self {
        case .retort: Self.retortNames.contains(NumberedName(name).pattern)
        case .timm: Self.timmParts.contains(String(name.prefix { $0 != "." }))
        default: rename(name, tower: tower) != nil
        }
    }

    /// The parameters of `DepthwiseCNN`.
    private static let retortNames: Set<String> = {
        let convolutions = ["stem.conv.weight", "blocks.*.conv_dw.weight", "blocks.*.conv_pw.weight"]
        let norms = ["stem.bn", "blocks.*.bn1", "blocks.*.bn2"].flatMap { norm in
            ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].map { "\(norm).\($0)" }
        }
        return Set(convolutions + norms + ["head.weight", "head.bias"])
    }()

    /// What the names of timm's models begin with.
    private static let timmParts: Set<String> = [
        "patch_embed", "cls_token", "pos_embed", "reg_token", "norm_pre", "blocks", "norm", "fc_norm", "head",
        "conv_stem", "conv_head", "bn1", "bn2", "classifier", "conv1", "layer1", "layer2", "layer3", "layer4",
        "fc", "stem", "stages", "final_conv",
    ]
}

/// A name whose numbers are set apart: `blocks.*.norm1.weight` and `3`.
struct NumberedName {
    let pattern: String
    let numbers: [Substring]

    init(_ name: String) {
        var numbers: [Substring] = []
        pattern = name.split(separator: ".", omittingEmptySubsequences: false).map { part in
            guard !part.isEmpty, part.utf8.allSatisfy({ (48...57).contains($0) }) else {
                return String(part)
            }
            numbers.append(part)
            return "*"
        }.joined(separator: ".")
        self.numbers = numbers
    }

    /// A pattern with these numbers for its stars.
    func filling(_ pattern: String) -> String {
        var rest = numbers[...]
        return pattern.split(separator: ".", omittingEmptySubsequences: false)
            .map { $0 == "*" ? String(rest.popFirst() ?? $0) : String($0) }.joined(separator: ".")
    }
}
