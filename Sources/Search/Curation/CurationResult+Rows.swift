public import Foundation

extension CurationResult {
    /// Writes the chosen images, a JSON object a line, as the `curate` stage has them in `transfer-set.jsonl`.
    ///
    /// The file appears whole or not at all.
    public func writeTransferSet(to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = Data()
        for row in transferSet { data += try encoder.encode(row) + [UInt8(ascii: "\n")] }
        try data.write(to: file, options: .atomic)
    }
}
