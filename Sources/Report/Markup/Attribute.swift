/// One attribute of an element; its value is escaped when it is written out.
struct Attribute: Sendable {
    let name: String
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// An attribute whose value is a length or a coordinate.
    init(_ name: String, _ value: Double) { self.init(name, Format.coordinate(value)) }
}

extension Attribute {
    static func `class`(_ names: String) -> Attribute { Attribute("class", names) }
    static func id(_ id: String) -> Attribute { Attribute("id", id) }
    static func href(_ fragment: String) -> Attribute { Attribute("href", fragment) }
    static func src(_ location: String) -> Attribute { Attribute("src", location) }
    static func alt(_ text: String) -> Attribute { Attribute("alt", text) }
    static func title(_ text: String) -> Attribute { Attribute("title", text) }
    static func style(_ declarations: String) -> Attribute { Attribute("style", declarations) }
    static func type(_ type: String) -> Attribute { Attribute("type", type) }
    static func value(_ value: String) -> Attribute { Attribute("value", value) }
    static func data(_ name: String, _ value: String) -> Attribute { Attribute("data-\(name)", value) }
    static func columns(_ count: Int) -> Attribute { Attribute("colspan", "\(count)") }
    static let lazy = Attribute("loading", "lazy")
    static let open = Attribute("open", "open")

    static func x(_ x: Double) -> Attribute { Attribute("x", x) }
    static func y(_ y: Double) -> Attribute { Attribute("y", y) }
    static func x1(_ x: Double) -> Attribute { Attribute("x1", x) }
    static func x2(_ x: Double) -> Attribute { Attribute("x2", x) }
    static func y1(_ y: Double) -> Attribute { Attribute("y1", y) }
    static func y2(_ y: Double) -> Attribute { Attribute("y2", y) }
    static func cx(_ x: Double) -> Attribute { Attribute("cx", x) }
    static func cy(_ y: Double) -> Attribute { Attribute("cy", y) }
    static func r(_ radius: Double) -> Attribute { Attribute("r", radius) }
    static func rx(_ radius: Double) -> Attribute { Attribute("rx", radius) }
    static func width(_ width: Double) -> Attribute { Attribute("width", width) }
    static func height(_ height: Double) -> Attribute { Attribute("height", height) }
    static func d(_ path: String) -> Attribute { Attribute("d", path) }
    static func fillOpacity(_ opacity: Double) -> Attribute { Attribute("fill-opacity", opacity) }
    static func transform(_ transform: String) -> Attribute { Attribute("transform", transform) }
    static func anchor(_ anchor: TextAnchor) -> Attribute { Attribute("text-anchor", anchor.rawValue) }

    /// Which end of an SVG text stands at its coordinates.
    enum TextAnchor: String { case start, middle, end }
}
