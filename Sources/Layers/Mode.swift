/// What a forward pass is for; layers that behave differently while training take it as an argument.
public enum Mode: Hashable, Sendable {
    /// Statistics come from the batch, and stochastic layers draw.
    case training
    /// The model is a fixed function.
    case evaluation
}
