/// What the texts of errors name of the decoder, which is not part of this build.
enum ImageCodec {
    static let sideLimit = 0
    static let pixelLimit = 0
}
