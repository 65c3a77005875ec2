extension String {
    /// The text with control characters written out, `\u{1B}`, so that a terminal shows them and does not obey them.
    ///
    /// Line breaks and tabs stay.
    public var printable: String { escaped { $0 != "\n" && $0 != "\t" } }

    /// The text with all control characters written out, so that it stays on its line: `\n`, `\t`, `\u{1B}`.
    public var onOneLine: String { escaped { _ in true } }

    private func escaped(_ isMeant: (Unicode.Scalar) -> Bool) -> String {
        func isControl(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control && isMeant(scalar)
        }
        guard unicodeScalars.contains(where: isControl) else { return self }
        let names: [Unicode.Scalar: String] = ["\n": "\\n", "\t": "\\t", "\r": "\\r"]
        return unicodeScalars.reduce(into: "") { text, scalar in
            if isControl(scalar) {
                text += names[scalar] ?? "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}
