internal import CTorch

/// Runs `body` and counts the multiplications of its matrix products, convolutions and attention on this thread.
///
/// Backward passes run on threads of their own on a GPU and are not to be counted so.
public func countingMultiplications(_ body: () throws -> Void) throws -> Double {
    try check(ct_count_begin(), operation: "countingMultiplications")
    let result = Result { try body() }
    var count = 0.0
    try check(ct_count_end(&count), operation: "countingMultiplications")
    try result.get()
    return count
}
