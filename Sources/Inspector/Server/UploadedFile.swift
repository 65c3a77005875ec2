import Foundation

/// A file that a form sent (RFC 7578): the one part of that name.
struct UploadedFile {
    let data: Data

    init(_ name: String, in request: Request) throws(RequestProblem) {
        guard let type = request.headers["content-type"], type.hasPrefix("multipart/form-data"),
            let boundary = type.firstMatch(of: /boundary="?([A-Za-z0-9'()+_,.\/:=? -]{1,70})"?/)?.output.1,
            let part = Self.parts(of: request.body, boundary: String(boundary)).first(where: {
                $0.head.contains("name=\"\(name)\"")
            }), !part.body.isEmpty
        else { throw RequestProblem(.badRequest, "the form holds no file '\(name)'") }
        data = part.body
    }

    /// The heads and bodies between the boundaries.
    private static func parts(of body: Data, boundary: String) -> [(head: String, body: Data)] {
        let line = Data("--\(boundary)".utf8)
        let gap = Data("\r\n\r\n".utf8)
        var parts: [(head: String, body: Data)] = []
        var start = body.range(of: line)?.upperBound
        while let begin = start, let end = body.range(of: Data("\r\n".utf8) + line, in: begin..<body.endIndex)
        {
            if let middle = body.range(of: gap, in: begin..<end.lowerBound) {
                let head = String(decoding: body[begin..<middle.lowerBound], as: UTF8.self)
                parts.append((head, Data(body[middle.upperBound..<end.lowerBound])))
            }
            start = end.upperBound
        }
        return parts
    }
}
