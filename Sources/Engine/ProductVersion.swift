/// The version of Retort, as artifacts and `--version` tell it.
public enum ProductVersion {
    /// The version.
    public static let current = "0.1.0"
}
