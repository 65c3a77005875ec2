internal import Foundation

/// Which layer of a network each parameter belongs to, counted from the input, told from their names.
///
/// Parameters stand in the order in which the network uses them. Those before the first numbered block form layer
/// 0, each numbered block (`blocks.3`, `layer2.0`, `stages.1.blocks.4`) is a layer, and whatever follows the last
/// one is the top.
struct LayerDepths {
    private let depths: [String: Int]
    /// The depth of the top.
    let top: Int

    init(_ names: [String]) {
        var blocks: [String] = []
        for name in names {
            if let block = Self.block(of: name), !blocks.contains(block) { blocks.append(block) }
        }
        let positions = Dictionary(
            uniqueKeysWithValues: blocks.enumerated().map { ($0.element, $0.offset + 1) })
        top = blocks.count + 1
        var depths: [String: Int] = [:]
        var hasBegun = false
        for name in names {
            let position = Self.block(of: name).flatMap { positions[$0] }
            hasBegun = hasBegun || position != nil
            depths[name] = position ?? (hasBegun ? top : 0)
        }
        self.depths = depths
    }

    /// The factor of layer-wise decay on a parameter's learning rate: one at the top.
    ///
    /// Source: Bao et al. 2021, "BEiT", appendix (after ELECTRA).
    func scale(of name: String, decay: Double) -> Double {
        pow(decay, Double(top - (depths[name] ?? top)))
    }

    /// The leading part of a name up to the last number that counts blocks: `stages.1.blocks.4`.
    private static func block(of name: String) -> String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.firstIndex(where: { Int($0) != nil }), first <= 2 else { return nil }
        var last = first
        if last + 1 < parts.count, Int(parts[last + 1]) != nil {
            last += 1
        } else if last + 2 < parts.count, parts[last + 1] == "blocks", Int(parts[last + 2]) != nil {
            last += 2
        }
        return parts[...last].joined(separator: ".")
    }
}
