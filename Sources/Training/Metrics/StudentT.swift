internal import Foundation

/// Student's t distribution with a whole number of degrees of freedom.
///
/// The finite series are those of Abramowitz and Stegun 1964, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4.
enum StudentT {
    /// The probability of a value of at most `t`.
    static func cumulative(_ t: Double, degreesOfFreedom: Int) -> Double {
        guard t.isFinite else { return t > 0 ? 1 : 0 }
        let isOdd = degreesOfFreedom % 2 == 1
        let angle = atan(t / Double(degreesOfFreedom).squareRoot())
        let cosine = cos(angle)
        var (term, sum) = (isOdd ? cosine : 1, 0.0)
        for step in stride(from: isOdd ? 3 : 2, through: degreesOfFreedom, by: 2) {
            sum += term
            term *= cosine * cosine * Double(step - 1) / Double(step)
        }
        // The share between -t and t.
        let inside = isOdd ? 2 / .pi * (angle + sin(angle) * sum) : sin(angle) * sum
        return (1 + inside) / 2
    }

    /// The value that a share `probability` of all values does not exceed.
    static func quantile(_ probability: Double, degreesOfFreedom: Int) -> Double {
        precondition(probability > 0 && probability < 1, "Retort bug: a quantile outside of 0...1")
        var (low, high) = (-1.0, 1.0)
        while cumulative(low, degreesOfFreedom: degreesOfFreedom) > probability { low *= 2 }
        while cumulative(high, degreesOfFreedom: degreesOfFreedom) < probability { high *= 2 }
        while true {
            let middle = low + (high - low) / 2
            guard low < middle, middle < high else { return middle }
            if cumulative(middle, degreesOfFreedom: degreesOfFreedom) < probability {
                low = middle
            } else {
                high = middle
            }
        }
    }
}
