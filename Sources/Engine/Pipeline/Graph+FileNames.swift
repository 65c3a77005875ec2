internal import Foundation

extension Graph.Node {
    /// The most bytes of a node's name in a file's name, which may have 255: some stand before and behind it.
    static let longestFileName = 200

    /// The name of a node as part of a file's name: no two nodes have the same one.
    ///
    /// What cannot stand in a file's name, and `%`, is written as `%2F`. Of a name that is too long the beginning is kept,
    /// with a digest of all of it.
    public static func fileName(of name: String) -> String {
        var text = ""
        for (index, scalar) in name.unicodeScalars.enumerated() {
            let isHiding = index == 0 && scalar == "."
            if scalar == "/" || scalar == "%" || scalar.value < 0x20 || scalar.value == 0x7F || isHiding {
                text += "%" + String(format: "%02X", scalar.value)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        guard text.utf8.count > longestFileName else { return text }
        var beginning = ""
        for scalar in text.unicodeScalars {
            if beginning.utf8.count + String(scalar).utf8.count > longestFileName - 34 { break }
            beginning.unicodeScalars.append(scalar)
        }
        // No name is written with this sign behind a percent.
        return beginning + "%-" + SHA256.digest(of: name).prefix(32)
    }

    /// The name as earlier versions wrote it, which two nodes could have in common.
    static func earlierFileName(of name: String) -> String { name.replacing("/", with: "_") }
}
