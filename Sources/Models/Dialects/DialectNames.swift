/// What becomes of one tensor of a dialect.
struct Renaming {
    /// What is done with it.
    enum Role: Hashable {
        /// It is one of ours.
        case whole
        /// It is one of so many parts of ours, in this order.
        case part(Int, of: Int)
        /// It lacks the leading dimensions of ours: a class token, a position table.
        case unbatched
        /// It projects features, transposed if the flag says so.
        case projection(isTransposed: Bool)
        /// It is not needed.
        case ignored
    }

    /// Our name, with stars for the numbers.
    let ours: String
    let role: Role
}

extension Dialect {
    /// What becomes of a tensor, without its wrapper, and our name for it; nil for a stranger.
    func rename(_ name: String, tower: String) -> (ours: String, role: Renaming.Role)? {
        let numbered: NumberedName
        let renaming: Renaming?
        if name.hasPrefix(tower) {
            numbered = NumberedName(String(name.dropFirst(tower.count)))
            renaming = Self.tables[self]?[numbered.pattern] ?? Self.outer[self]?[name]
        } else {
            numbered = NumberedName(name)
            renaming = Self.outer[self]?[name]
        }
        return renaming.map { (numbered.filling($0.ours), $0.role) }
    }

    /// What this dialect may call a tensor of ours, or its parts, below the visual tower.
    func names(of ours: String) -> [String] {
        let numbered = NumberedName(ours)
        return (Self.inverses[self]?[numbered.pattern] ?? []).map(numbered.filling)
    }

    // MARK: Tables

    private static let tables: [Dialect: [String: Renaming]] = [
        .dinov2: dinov2Table, .huggingFaceDINOv2: huggingFaceDINOv2Table,
        .huggingFaceDINOv3: huggingFaceDINOv3Table, .huggingFaceViT: huggingFaceViTTable,
        .huggingFaceCLIP: huggingFaceCLIPTable,
        .openCLIP: openCLIPTable,
    ]

    /// Names beside the visual tower that belong to it.
    private static let outer: [Dialect: [String: Renaming]] = [
        .huggingFaceCLIP: [
            "visual_projection.weight": Renaming(ours: "head.weight", role: .projection(isTransposed: false))
        ],
        .huggingFaceViT: [
            "classifier.weight": Renaming(ours: "head.weight", role: .whole),
            "classifier.bias": Renaming(ours: "head.bias", role: .whole),
        ],
        // Its input is the class token beside the mean of the patches, which is not what features are here.
        .huggingFaceDINOv2: [
            "classifier.weight": Renaming(ours: "", role: .ignored),
            "classifier.bias": Renaming(ours: "", role: .ignored),
        ],
    ]

    private static let inverses = tables.mapValues { table in
        Dictionary(grouping: table.filter { $0.value.role != .ignored }) { $0.value.ours }
            .mapValues { entries in
                entries.sorted { (order($0.value.role), $0.key) < (order($1.value.role), $1.key) }
                    .map(\.key)
            }
    }

    private static func order(_ role: Renaming.Role) -> Int {
        if case .part(let index, _) = role { index } else { 0 }
    }

    private static let dinov2Table = table(
        modules: [
            ("patch_embed.proj", "patch_embed.proj"), ("norm", "norm"),
            ("blocks.*.norm1", "blocks.*.norm1"), ("blocks.*.norm2", "blocks.*.norm2"),
            ("blocks.*.attn.qkv", "blocks.*.attn.qkv"), ("blocks.*.attn.proj", "blocks.*.attn.proj"),
            ("blocks.*.mlp.fc1", "blocks.*.mlp.fc1"), ("blocks.*.mlp.fc2", "blocks.*.mlp.fc2"),
            ("blocks.*.mlp.w12", "blocks.*.mlp.fc1"), ("blocks.*.mlp.w3", "blocks.*.mlp.fc2"),
        ],
        tensors: [
            ("cls_token", "cls_token", .whole), ("pos_embed", "pos_embed", .whole),
            ("register_tokens", "reg_token", .whole), ("mask_token", "", .ignored),
            ("blocks.*.ls1.gamma", "blocks.*.ls1.gamma", .whole),
            ("blocks.*.ls2.gamma", "blocks.*.ls2.gamma", .whole),
        ])

    /// What Hugging Face's DINOv2 and ViT share.
    private static let huggingFaceModules = [
        ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("layernorm", "norm"),
        ("encoder.layer.*.attention.output.dense", "blocks.*.attn.proj"),
    ]
    private static let huggingFaceTensors: [(String, String, Renaming.Role)] = [
        ("embeddings.cls_token", "cls_token", .whole), ("embeddings.mask_token", "", .ignored),
        ("embeddings.position_embeddings", "pos_embed", .whole),
    ]

    private static let huggingFaceDINOv2Table = table(
        modules: huggingFaceModules + [
            ("encoder.layer.*.norm1", "blocks.*.norm1"), ("encoder.layer.*.norm2", "blocks.*.norm2"),
            ("encoder.layer.*.mlp.fc1", "blocks.*.mlp.fc1"), ("encoder.layer.*.mlp.fc2", "blocks.*.mlp.fc2"),
            ("encoder.layer.*.mlp.weights_in", "blocks.*.mlp.fc1"),
            ("encoder.layer.*.mlp.weights_out", "blocks.*.mlp.fc2"),
            // transformers 5 has other names in memory than in its files.
            ("encoder.layer.*.attention.o_proj", "blocks.*.attn.proj"),
            ("encoder.layer.*.mlp.down_proj", "blocks.*.mlp.fc2"),
        ],
        parts: queries("encoder.layer.*.attention.attention", "query", "key", "value")
            + queries("encoder.layer.*.attention", "q_proj", "k_proj", "v_proj") + [
                (
                    ["encoder.layer.*.mlp.gate_proj", "encoder.layer.*.mlp.up_proj"], "blocks.*.mlp.fc1"
                )
            ],
        tensors: huggingFaceTensors + [
            ("embeddings.register_tokens", "reg_token", .whole),
            ("encoder.layer.*.layer_scale1.lambda1", "blocks.*.ls1.gamma", .whole),
            ("encoder.layer.*.layer_scale2.lambda1", "blocks.*.ls2.gamma", .whole),
        ])

    private static let huggingFaceDINOv3Table = table(
        modules: [
            ("embeddings.patch_embeddings", "patch_embed.proj"), ("norm", "norm"),
            ("layer.*.norm1", "blocks.*.norm1"), ("layer.*.norm2", "blocks.*.norm2"),
            ("layer.*.attention.o_proj", "blocks.*.attn.proj"),
            // Beside a gate, `Draft.splitGates` gives it its own name.
            ("layer.*.mlp.up_proj", "blocks.*.mlp.fc1"), ("layer.*.mlp.gate_proj", "blocks.*.mlp.fc1_g"),
            ("layer.*.mlp.down_proj", "blocks.*.mlp.fc2"),
        ],
        tensors: [
            ("embeddings.cls_token", "cls_token", .whole), ("embeddings.mask_token", "", .ignored),
            ("embeddings.register_tokens", "reg_token", .whole),
            ("layer.*.attention.q_proj.weight", "blocks.*.attn.qkv.weight", .part(0, of: 3)),
            ("layer.*.attention.k_proj.weight", "blocks.*.attn.qkv.weight", .part(1, of: 3)),
            ("layer.*.attention.v_proj.weight", "blocks.*.attn.qkv.weight", .part(2, of: 3)),
            ("layer.*.attention.q_proj.bias", "blocks.*.attn.q_bias", .whole),
            ("layer.*.attention.v_proj.bias", "blocks.*.attn.v_bias", .whole),
            ("layer.*.layer_scale1.lambda1", "blocks.*.gamma_1", .whole),
            ("layer.*.layer_scale2.lambda1", "blocks.*.gamma_2", .whole),
        ])

    private static let huggingFaceViTTable = table(
        modules: huggingFaceModules + [
            ("encoder.layer.*.layernorm_before", "blocks.*.norm1"),
            ("encoder.layer.*.layernorm_after", "blocks.*.norm2"),
            ("encoder.layer.*.intermediate.dense", "blocks.*.mlp.fc1"),
            ("encoder.layer.*.output.dense", "blocks.*.mlp.fc2"),
            // transformers 5 has other names in memory than in its files.
            ("layers.*.layernorm_before", "blocks.*.norm1"), ("layers.*.layernorm_after", "blocks.*.norm2"),
            ("layers.*.attention.o_proj", "blocks.*.attn.proj"),
            ("layers.*.mlp.fc1", "blocks.*.mlp.fc1"), ("layers.*.mlp.fc2", "blocks.*.mlp.fc2"),
        ],
        parts: queries("encoder.layer.*.attention.attention", "query", "key", "value")
            + queries("layers.*.attention", "q_proj", "k_proj", "v_proj"),
        tensors: huggingFaceTensors + [
            ("pooler.dense.weight", "", .ignored), ("pooler.dense.bias", "", .ignored),
        ])

    private static let huggingFaceCLIPTable = table(
        modules: [
            ("pre_layrnorm", "norm_pre"), ("post_layernorm", "norm"),
            ("encoder.layers.*.layer_norm1", "blocks.*.norm1"),
            ("encoder.layers.*.layer_norm2", "blocks.*.norm2"),
            ("encoder.layers.*.self_attn.out_proj", "blocks.*.attn.proj"),
            ("encoder.layers.*.mlp.fc1", "blocks.*.mlp.fc1"),
            ("encoder.layers.*.mlp.fc2", "blocks.*.mlp.fc2"),
        ],
        parts: queries("encoder.layers.*.self_attn", "q_proj", "k_proj", "v_proj"),
        tensors: [
            ("embeddings.class_embedding", "cls_token", .unbatched),
            ("embeddings.position_embedding.weight", "pos_embed", .unbatched),
            ("embeddings.patch_embedding.weight", "patch_embed.proj.weight", .whole),
            ("embeddings.position_ids", "", .ignored),
        ])

    private static let openCLIPTable = table(
        modules: [
            ("ln_pre", "norm_pre"), ("ln_post", "norm"),
            ("transformer.resblocks.*.ln_1", "blocks.*.norm1"),
            ("transformer.resblocks.*.ln_2", "blocks.*.norm2"),
            ("transformer.resblocks.*.attn.out_proj", "blocks.*.attn.proj"),
            ("transformer.resblocks.*.mlp.c_fc", "blocks.*.mlp.fc1"),
            ("transformer.resblocks.*.mlp.c_proj", "blocks.*.mlp.fc2"),
        ],
        tensors: [
            ("class_embedding", "cls_token", .unbatched), ("positional_embedding", "pos_embed", .unbatched),
            ("conv1.weight", "patch_embed.proj.weight", .whole),
            ("transformer.resblocks.*.attn.in_proj_weight", "blocks.*.attn.qkv.weight", .whole),
            ("transformer.resblocks.*.attn.in_proj_bias", "blocks.*.attn.qkv.bias", .whole),
            ("proj", "head.weight", .projection(isTransposed: true)),
        ])

    /// Queries, keys and values that are modules of their own.
    private static func queries(
        _ attention: String, _ names: String...
    ) -> [(theirs: [String], ours: String)] {
        [(names.map { "\(attention).\($0)" }, "blocks.*.attn.qkv")]
    }

    /// A table of modules, which have a weight and a bias, of modules that are parts of ours, and of tensors.
    private static func table(
        modules: [(theirs: String, ours: String)], parts: [(theirs: [String], ours: String)] = [],
        tensors: [(theirs: String, ours: String, role: Renaming.Role)]
    ) -> [String: Renaming] {
        var table: [String: Renaming] = [:]
        for kind in ["weight", "bias"] {
            for (theirs, ours) in modules {
                table["\(theirs).\(kind)"] = Renaming(ours: "\(ours).\(kind)", role: .whole)
            }
            for (names, ours) in parts {
                for (index, name) in names.enumerated() {
                    table["\(name).\(kind)"] = Renaming(
                        ours: "\(ours).\(kind)", role: .part(index, of: names.count))
                }
            }
        }
        for (theirs, ours, role) in tensors { table[theirs] = Renaming(ours: ours, role: role) }
        return table
    }
}
