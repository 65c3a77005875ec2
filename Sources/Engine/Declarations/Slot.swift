internal import Synchronization

/// A value written by the engine before `run`, and only read by the stage.
final class Slot<Value: Sendable>: Sendable {
    private let storage: Mutex<Value?>

    init(_ value: Value? = nil) { storage = Mutex(value) }

    var value: Value {
        guard let value = storage.withLock({ $0 }) else {
            preconditionFailure(
                "a stage read a property before the engine filled it (validate() may ask $input.isGiven): "
                    + "this is a Retort bug")
        }
        return value
    }

    func fill(_ value: Value) { storage.withLock { $0 = value } }

    func empty() { storage.withLock { $0 = nil } }
}
