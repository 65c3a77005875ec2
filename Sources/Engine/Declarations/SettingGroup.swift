/// Settings that several stages share, declared once.
///
/// A stage holds a group as a plain property; in the pipeline file its settings stand beside the stage's own.
///
/// ```swift
/// struct ViewSettings: SettingGroup {
///     @Setting("Whether half of the views are mirrored.") var flip = true
/// }
/// struct FineTune: Stage {
///     let views = ViewSettings()
/// ```
public protocol SettingGroup: Sendable {}
