/// One attribute of an element; its value is escaped when it is written out.
package struct Attribute: Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// An attribute whose value is a length or a coordinate.
    package init(_ name: String, _ value: Double) { self.init(name, Format.coordinate(value)) }
}

extension Attribute {
    package static func `class`(_ names: String) -> Attribute { Attribute("class", names) }
    package static func id(_ id: String) -> Attribute { Attribute("id", id) }
    package static func href(_ fragment: String) -> Attribute { Attribute("href", fragment) }
    package static func src(_ location: String) -> Attribute { Attribute("src", location) }
    package static func alt(_ text: String) -> Attribute { Attribute("alt", text) }
    package static func title(_ text: String) -> Attribute { Attribute("title", text) }
    package static func style(_ declarations: String) -> Attribute { Attribute("style", declarations) }
    package static func type(_ type: String) -> Attribute { Attribute("type", type) }
    package static func value(_ value: String) -> Attribute { Attribute("value", value) }
    package static func data(_ name: String, _ value: String) -> Attribute {
        Attribute("data-\(name)", value)
    }
    package static func columns(_ count: Int) -> Attribute { Attribute("colspan", "\(count)") }
    package static let lazy = Attribute("loading", "lazy")
    package static let open = Attribute("open", "open")

    package static func x(_ x: Double) -> Attribute { Attribute("x", x) }
    package static func y(_ y: Double) -> Attribute { Attribute("y", y) }
    package static func x1(_ x: Double) -> Attribute { Attribute("x1", x) }
    package static func x2(_ x: Double) -> Attribute { Attribute("x2", x) }
    package static func y1(_ y: Double) -> Attribute { Attribute("y1", y) }
    package static func y2(_ y: Double) -> Attribute { Attribute("y2", y) }
    package static func cx(_ x: Double) -> Attribute { Attribute("cx", x) }
    package static func cy(_ y: Double) -> Attribute { Attribute("cy", y) }
    package static func r(_ radius: Double) -> Attribute { Attribute("r", radius) }
    package static func rx(_ radius: Double) -> Attribute { Attribute("rx", radius) }
    package static func width(_ width: Double) -> Attribute { Attribute("width", width) }
    package static func height(_ height: Double) -> Attribute { Attribute("height", height) }
    package static func d(_ path: String) -> Attribute { Attribute("d", path) }
    package static func fillOpacity(_ opacity: Double) -> Attribute { Attribute("fill-opacity", opacity) }
    package static func transform(_ transform: String) -> Attribute { Attribute("transform", transform) }
    package static func anchor(_ anchor: TextAnchor) -> Attribute {
        Attribute("text-anchor", anchor.rawValue)
    }

    /// Which end of an SVG text stands at its coordinates.
    package enum TextAnchor: String { case start, middle, end }
}
