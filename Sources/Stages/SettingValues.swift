public import Engine
public import Layers
public import Models
public import Search
public import Training
public import Vision
public import World

// Words of the learning modules that stand as settings in a pipeline file.

extension BatchNormPolicy: SettingValue {}
extension ClassificationHead: SettingValue {}
extension DenseTask: SettingValue {}
extension DenseTerm.Schedule: SettingValue {}
extension DistillationTraining.Objective: SettingValue {}
extension Domain: SettingValue {}
extension KeepPolicy: SettingValue {}
extension LabelKind: SettingValue {}
extension Recipe.Optimizer: SettingValue {}
extension Recipe.Precision: SettingValue {}
extension ModelHead: SettingValue {}
extension Loss.NormalDistance: SettingValue {}
extension Preprocessing.Interpolation: SettingValue {}
extension Schedule.Shape: SettingValue {}
extension ScriptedModel.Output: SettingValue {}
extension SegmentationHead: SettingValue {}
