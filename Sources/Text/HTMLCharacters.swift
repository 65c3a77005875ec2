// The named characters of HTML 4, which HTML 5 keeps; it has two thousand more for mathematics, which captions lack.

/// Named and numbered characters of HTML in a text.
enum HTMLCharacters {
    /// The names of the characters 160 to 255 in order; a browser reads them without a semicolon, too.
    private static let latin = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn \
        sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave \
        Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml \
        ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN \
        szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute \
        icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml \
        yacute thorn yuml
        """

    /// Further names, each with its number.
    private static let others = """
        OElig 338 oelig 339 Scaron 352 scaron 353 Yuml 376 fnof 402 circ 710 tilde 732 Alpha 913 Beta \
        914 Gamma 915 Delta 916 Epsilon 917 Zeta 918 Eta 919 Theta 920 Iota 921 Kappa 922 Lambda 923 Mu \
        924 Nu 925 Xi 926 Omicron 927 Pi 928 Rho 929 Sigma 931 Tau 932 Upsilon 933 Phi 934 Chi 935 Psi \
        936 Omega 937 alpha 945 beta 946 gamma 947 delta 948 epsilon 949 zeta 950 eta 951 theta 952 iota \
        953 kappa 954 lambda 955 mu 956 nu 957 xi 958 omicron 959 pi 960 rho 961 sigmaf 962 sigma 963 \
        tau 964 upsilon 965 phi 966 chi 967 psi 968 omega 969 thetasym 977 upsih 978 piv 982 ensp 8194 \
        emsp 8195 thinsp 8201 zwnj 8204 zwj 8205 lrm 8206 rlm 8207 ndash 8211 mdash 8212 lsquo 8216 \
        rsquo 8217 sbquo 8218 ldquo 8220 rdquo 8221 bdquo 8222 dagger 8224 Dagger 8225 bull 8226 hellip \
        8230 permil 8240 prime 8242 Prime 8243 lsaquo 8249 rsaquo 8250 oline 8254 frasl 8260 euro 8364 \
        image 8465 weierp 8472 real 8476 trade 8482 alefsym 8501 larr 8592 uarr 8593 rarr 8594 darr 8595 \
        harr 8596 crarr 8629 lArr 8656 uArr 8657 rArr 8658 dArr 8659 hArr 8660 forall 8704 part 8706 \
        exist 8707 empty 8709 nabla 8711 isin 8712 notin 8713 ni 8715 prod 8719 sum 8721 minus 8722 \
        lowast 8727 radic 8730 prop 8733 infin 8734 ang 8736 and 8743 or 8744 cap 8745 cup 8746 int 8747 \
        there4 8756 sim 8764 cong 8773 asymp 8776 ne 8800 equiv 8801 le 8804 ge 8805 sub 8834 sup 8835 \
        nsub 8836 sube 8838 supe 8839 oplus 8853 otimes 8855 perp 8869 sdot 8901 lceil 8968 rceil 8969 \
        lfloor 8970 rfloor 8971 lang 9001 rang 9002 loz 9674 spades 9824 clubs 9827 hearts 9829 diams \
        9830
        """

    /// The characters whose names need no semicolon.
    private static let loose: [Substring: UInt32] = {
        var names: [Substring: UInt32] = [
            "amp": 38, "AMP": 38, "lt": 60, "LT": 60, "gt": 62, "GT": 62, "quot": 34, "QUOT": 34,
            "COPY": 169, "REG": 174,
        ]
        for (index, name) in latin.split(separator: " ").enumerated() { names[name] = 160 + UInt32(index) }
        return names
    }()

    /// Every name.
    private static let names: [Substring: UInt32] = {
        var names = loose
        names["apos"] = 39
        let words = others.split(separator: " ")
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            names[words[index]] = UInt32(words[index + 1])
        }
        return names
    }()

    /// What bytes 128 to 159 are in Windows' code page 1252; numbers of HTML mean these, too.
    static let windows: [UInt32: UInt32] = {
        let codes: [UInt32] = [
            0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152,
            0x8D, 0x17D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122,
            0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178,
        ]
        return Dictionary(uniqueKeysWithValues: codes.enumerated().map { (0x80 + UInt32($0), $1) })
    }()

    /// The text with `&amp;`, `&#8217;` and the like replaced by what they stand for.
    ///
    /// - Parameter isStrict: whether only those that end in a semicolon count.
    static func unescaped(_ text: String, isStrict: Bool = false) -> String {
        guard text.unicodeScalars.contains("&") else { return text }
        var result = String.UnicodeScalarView()
        var rest = Substring(text).unicodeScalars[...]
        while let scalar = rest.first {
            if scalar == "&", let (replacement, length) = reference(rest.dropFirst(), isStrict) {
                result.append(contentsOf: replacement.unicodeScalars)
                rest = rest.dropFirst(1 + length)
            } else {
                result.append(scalar)
                rest = rest.dropFirst()
            }
        }
        return String(result)
    }

    /// What a reference stands for, and how long it is after its ampersand.
    private static func reference(
        _ rest: Substring.UnicodeScalarView, _ isStrict: Bool
    ) -> (String, Int)? {
        if rest.first == "#" { return number(rest.dropFirst(), isStrict) }
        let name = Substring(
            rest.prefix(32).prefix { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9") ~= $0) })
        let length = name.unicodeScalars.count
        if rest.dropFirst(length).first == ";", let code = names[name] {
            return (character(code), length + 1)
        }
        guard !isStrict else { return nil }
        // As a browser does: the longest beginning that is a name without a semicolon.
        for count in stride(from: length, to: 1, by: -1) {
            if let code = loose[name.prefix(count)] { return (character(code), count) }
        }
        return nil
    }

    private static func number(_ rest: Substring.UnicodeScalarView, _ isStrict: Bool) -> (String, Int)? {
        let isHexadecimal = rest.first == "x" || rest.first == "X"
        let digits = Substring(
            rest.dropFirst(isHexadecimal ? 1 : 0).prefix {
                isHexadecimal ? $0.properties.isASCIIHexDigit : ("0"..."9") ~= $0
            })
        guard !digits.isEmpty else { return nil }
        let length = 1 + (isHexadecimal ? 1 : 0) + digits.utf8.count
        let isEnded = rest.dropFirst(length - 1).first == ";"
        guard isEnded || !isStrict else { return nil }
        let code = UInt32(digits, radix: isHexadecimal ? 16 : 10) ?? .max
        return (numbered(code), length + (isEnded ? 1 : 0))
    }

    /// The character of a number; those that no text may hold vanish, and what is no character shows as one unknown.
    private static func numbered(_ code: UInt32) -> String {
        switch code {
        case 0, 0xD800...0xDFFF, 0x110000...: "\u{FFFD}"
        case 0x0D: "\r"
        case 0x80...0x9F: character(windows[code] ?? code)
        case 1...8, 0x0B, 0x0E...0x1F, 0x7F, 0xFDD0...0xFDEF: ""
        case _ where code & 0xFFFE == 0xFFFE: ""
        default: character(code)
        }
    }

    private static func character(_ code: UInt32) -> String {
        Unicode.Scalar(code).map { String(Character($0)) } ?? "\u{FFFD}"
    }
}
