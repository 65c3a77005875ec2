/// How far numbers may be apart that were computed in the same type by different programs.
///
/// The one table of the project: a test names the type and what was computed, and never a number.
public struct Tolerance: Hashable, Sendable {
    /// The part of the expected value's magnitude that is allowed.
    public var relative: Double
    /// What is allowed in any case.
    public var absolute: Double

    /// One operation in fp32: the last bits differ with the order of summation.
    public static let float32 = Tolerance(relative: 1e-5, absolute: 1e-6)
    /// A whole network, or several optimizer steps, in fp32.
    public static let float32Network = Tolerance(relative: 1e-3, absolute: 1e-4)
    /// The features and logits of a whole network in fp32, forward only.
    public static let float32Features = Tolerance(relative: 1e-4, absolute: 1e-5)
    /// One operation in fp64.
    public static let float64 = Tolerance(relative: 1e-11, absolute: 1e-12)
    /// One operation in bf16, which has eight bits of mantissa.
    public static let bfloat16 = Tolerance(relative: 1.6e-2, absolute: 1e-3)
    /// One operation in fp16, which has eleven bits of mantissa.
    public static let float16 = Tolerance(relative: 2e-3, absolute: 1e-4)

    /// Whether a number is near enough to what was expected.
    public func accepts(_ value: Double, expected: Double) -> Bool {
        value == expected || abs(value - expected) <= absolute + relative * abs(expected)
    }

    /// The first place where two rows of numbers are too far apart, in words; nil when there is none.
    public func mismatch<Number: BinaryFloatingPoint>(_ values: [Number], _ expected: [Number]) -> String? {
        if values.count != expected.count { return "\(values.count) numbers instead of \(expected.count)" }
        for (index, (value, wanted)) in zip(values, expected).enumerated()
        where !accepts(Double(value), expected: Double(wanted)) {
            return "number \(index) is \(value) instead of \(wanted)"
        }
        return nil
    }

    /// The same, but measured by the largest number expected: the small outputs of a network are differences of
    /// large ones, and PyTorch's own in fp32 and fp64 are further apart, one by one.
    public func mismatchByLargest<Number: BinaryFloatingPoint>(
        _ values: [Number], _ expected: [Number]
    ) -> String? {
        let largest = expected.map(Swift.abs).max().map { Double($0) } ?? 0
        return Tolerance(relative: 0, absolute: absolute + relative * largest).mismatch(values, expected)
    }
}
