/// What a training loop tells its surroundings, and asks of them.
public struct TrainingHooks {
    /// Reports a finished step; throws to stop the loop, after calling `save` when the stop is to be resumable.
    public var advance:
        (_ step: Int, _ total: Int, _ metrics: KeyValuePairs<String, Double>, _ save: () throws -> Void)
            throws -> Void
    /// Records a value of a step.
    public var metric: (_ step: Int, _ name: String, _ value: Double) -> Void
    /// Drops the values recorded after a step, because the loop goes on from there.
    public var rewind: (_ step: Int) -> Void
    /// Writes a line down, for those who look for the cause of something.
    public var log: (_ message: String) -> Void

    /// Creates hooks.
    public init(
        advance: @escaping (Int, Int, KeyValuePairs<String, Double>, () throws -> Void) throws -> Void,
        metric: @escaping (Int, String, Double) -> Void, rewind: @escaping (Int) -> Void,
        log: @escaping (String) -> Void
    ) {
        self.advance = advance
        self.metric = metric
        self.rewind = rewind
        self.log = log
    }

    /// Hooks that do nothing.
    public static var silent: TrainingHooks {
        TrainingHooks(advance: { _, _, _, _ in }, metric: { _, _, _ in }, rewind: { _ in }, log: { _ in })
    }
}
