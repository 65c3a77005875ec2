public import Engine

/// Every stage a pipeline file can name; a new stage adds one line here.
public let builtinStages: [any Stage.Type] = [
    ScanImageFolder.self,
    ScanMaskFolder.self,
    ScanWebDataset.self,
    ScanManifest.self,
    ScanWorld.self,
    ImportModel.self,
    Pretrain.self,
    FineTune.self,
    Embed.self,
    EmbedTexts.self,
    BuildIndex.self,
    Curate.self,
    Label.self,
    Distill.self,
    Evaluate.self,
    EvaluateMasks.self,
    TrainCLIP.self,
    EvaluateCLIP.self,
    EvaluateMaps.self,
    EvaluateLabels.self,
    PseudoLabel.self,
    Probe.self,
    Shell.self,
]
