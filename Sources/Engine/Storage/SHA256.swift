internal import CCrypto
public import Foundation

/// SHA-256, the digest by which everything in the store is known.
public enum SHA256 {
    /// The digest of some bytes, as 64 hexadecimal digits.
    public static func digest(of data: Data) -> String {
        let hasher = Hasher()
        data.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }

    /// The digest of a text's UTF-8 bytes, as 64 hexadecimal digits.
    public static func digest(of text: String) -> String {
        var text = text
        let hasher = Hasher()
        text.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
        return hasher.finish()
    }

    /// The digest of a file's bytes, as 64 hexadecimal digits, read in blocks.
    public static func digest(of file: URL) throws -> String {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(errno, .read, file.path) }
        defer { close(descriptor) }
        let hasher = Hasher()
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { block.deallocate() }
        while true {
            let count = read(descriptor, block.baseAddress, block.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw StoreError(errno, .read, file.path) }
            if count == 0 { return hasher.finish() }
            hasher.update(UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }

    /// One digest being computed, in as many pieces as the caller likes.
    public final class Hasher {
        private let context: OpaquePointer

        /// Starts a digest.
        public init() {
            guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
                preconditionFailure("libcrypto cannot start a SHA-256 digest: this is a Retort bug")
            }
            self.context = context
        }

        deinit { EVP_MD_CTX_free(context) }

        /// Adds bytes.
        public func update(_ bytes: UnsafeRawBufferPointer) {
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        }

        /// The digest of everything added, as 64 hexadecimal digits.
        public func finish() -> String {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest in
                EVP_DigestFinal_ex(context, digest.baseAddress, nil)
                return String(unsafeUninitializedCapacity: 64) { text in
                    for (index, byte) in digest.enumerated() {
                        text[2 * index] = hexDigits[Int(byte >> 4)]
                        text[2 * index + 1] = hexDigits[Int(byte & 15)]
                    }
                    return 64
                }
            }
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
