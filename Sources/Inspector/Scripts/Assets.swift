import Foundation
import Report

/// The style sheet and the scripts, as files of the server; they lie in the program, so it needs no folder beside it.
enum Assets {
    static func response(_ name: String) throws(RequestProblem) -> Response {
        let (type, text): (String, String) =
            switch name {
            case "style.css": ("text/css", "\(Stylesheet.text)\n\(InspectorStyle.text)")
            case "review.js": ("text/javascript", "\(ReviewScript.text)")
            case "sheet.js": ("text/javascript", "\(SheetScript.text)")
            case "threshold.js": ("text/javascript", "\(ThresholdScript.text)")
            case "audit.js": ("text/javascript", "\(AuditScript.text)")
            case "icon.svg": ("image/svg+xml", icon)
            default: throw RequestProblem(.notFound, "there is no such file")
            }
        return Response(
            .ok, type: "\(type); charset=utf-8", Data(text.utf8),
            headers: [("Cache-Control", "private, max-age=60")])
    }

    private static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="13" cy="18" r="10" fill="none" \
        stroke="#b0522a" stroke-width="3"/><path d="M4 20h18a9 9 0 0 1-18 0z" fill="#b0522a"/></svg>
        """
}
