import Diagnostics

/// The channels and the blocks of one stage of a convolutional network.
public struct StageSize: Hashable, Sendable {
    /// The channels of every block.
    public var channels: Int
    /// How many blocks there are.
    public var blocks: Int

    /// Creates a size.
    public init(channels: Int, blocks: Int) {
        self.channels = channels
        self.blocks = blocks
    }
}

extension StageSize {
    /// A number of channels near `exact` that 8 divides and that is at least nine tenths of it, as in MobileNetV2.
    static func divisible(_ exact: Double) -> Int {
        let rounded = max(8, Int(exact + 4) / 8 * 8)
        return Double(rounded) < 0.9 * exact ? rounded + 8 : rounded
    }
}

extension ModelConfiguration {
    /// Reads `48x2 96x4`: 48 channels in two blocks, then 96 in four.
    func stages(_ name: String) throws(Diagnostic) -> [StageSize] {
        let wrong = bad(name, "channels and blocks of each stage, such as '48x2 96x4'")
        guard case .string(let text)? = options[name], !text.isEmpty else { throw wrong }
        var stages: [StageSize] = []
        for word in text.split(separator: " ") {
            let numbers = word.split(separator: "x").map { Int($0) }
            guard numbers.count == 2, let channels = numbers[0], let blocks = numbers[1], channels > 0,
                blocks > 0
            else { throw wrong }
            stages.append(StageSize(channels: channels, blocks: blocks))
        }
        return stages
    }
}
