internal import Dispatch
internal import Synchronization

/// Calls `body` for every element, several at once, as many as there are processors; results are in the elements' order.
///
/// - Throws: what `body` throws, of several errors that of the first element.
func concurrently<Element: Sendable, Value: Sendable>(
    _ elements: [Element], _ body: @Sendable (Element) throws -> Value
) throws -> [Value] {
    guard elements.count > 1 else { return try elements.map(body) }
    let results = Mutex<[Result<Value, any Error>?]>(Array(repeating: nil, count: elements.count))
    DispatchQueue.concurrentPerform(iterations: elements.count) { place in
        let result = Result { try body(elements[place]) }
        results.withLock { $0[place] = result }
    }
    return try results.withLock { $0 }.compactMap { try $0?.get() }
}
