import CCrypto
public import Foundation

/// The identity of an image: the first 32 hexadecimal digits of the SHA-256 of its bytes.
///
/// The same file under two names is one image; half a digest is enough for that (a chance collision among
/// 10¹² images has probability 10⁻¹⁵) and keeps lists short.
public enum ContentID {
    /// The identity of an encoded image file.
    public static func of(_ data: Data) -> String { data.withUnsafeBytes(digest) }

    /// The identity of a rendered image, which has no file: that of its pixels.
    public static func of(_ image: Image) -> String { image.pixels.withUnsafeBytes(digest) }

    private static func digest(_ bytes: UnsafeRawBufferPointer) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let status = EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil)
        precondition(status == 1, "Retort bug: libcrypto refuses SHA-256")
        return hexadecimal(digest.prefix(16))
    }
}

/// Two lower-case digits a byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
