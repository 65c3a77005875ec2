/// Where a tensor lives and is computed.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    /// The host.
    case cpu
    /// A CUDA device, counted from zero.
    case cuda(Int)

    /// The device that `cpu`, `cuda` or `cuda:1` names, or nil.
    public init?(_ name: String) {
        switch name {
        case "cpu": self = .cpu
        case "cuda": self = .cuda(0)
        default:
            guard name.hasPrefix("cuda:"), let number = Int(name.dropFirst(5)), (0..<128).contains(number)
            else {
                return nil
            }
            self = .cuda(number)
        }
    }

    /// The name, with the number of a CUDA device.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let number): "cuda:\(number)"
        }
    }

    /// Whether this is a CUDA device.
    public var isCUDA: Bool { self != .cpu }

    /// The shim's number for it.
    var number: Int32 {
        switch self {
        case .cpu: -1
        case .cuda(let number): Int32(number)
        }
    }

    init(number: Int32) { self = number < 0 ? .cpu : .cuda(Int(number)) }
}
