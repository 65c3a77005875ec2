internal import Diagnostics
internal import Engine

extension PipelineValue {
    /// Whether the value is a map, or nothing at all, which counts as the empty one.
    var isMap: Bool { if case .map = content { true } else { isNull } }

    /// The text of a scalar; reports anything else.
    func text(_ what: String, problems: inout Problems) -> String? {
        if let scalar { return scalar }
        problems.report(Diagnostic("\(what) must be a single value, not \(phrase)", at: location))
        return nil
    }

    /// The entries of a map; nothing at all (`stages:`) counts as the empty map.
    func entries(_ what: String, problems: inout Problems) -> [PipelineEntry] {
        if case .map(let entries) = content { return entries }
        if !isNull { problems.report(Diagnostic("\(what) must be a map, not \(phrase)", at: location)) }
        return []
    }

    /// The values of a list; nothing at all counts as the empty list.
    func list(_ what: String, problems: inout Problems) -> [PipelineValue] {
        if case .list(let values) = content { return values }
        if !isNull { problems.report(Diagnostic("\(what) must be a list, not \(phrase)", at: location)) }
        return []
    }
}

extension [PipelineEntry] {
    /// The value of a key.
    subscript(key: String) -> PipelineEntry? { first { $0.key == key } }

    /// Sets the value at a path of keys, keeping the order of what is there and making the maps in between.
    mutating func set(_ path: some Collection<String>, to value: PipelineValue, at location: SourceLocation) {
        guard let key = path.first else { return }
        let rest = path.dropFirst()
        let index = firstIndex { $0.key == key }
        guard !rest.isEmpty else {
            let entry = PipelineEntry(key, at: location, value)
            if let index { self[index] = entry } else { append(entry) }
            return
        }
        var inner: [PipelineEntry] = []
        if let index, case .map(let entries) = self[index].value.content { inner = entries }
        inner.set(rest, to: value, at: location)
        if let index {
            let place = self[index].value.location
            self[index] = PipelineEntry(
                key, at: self[index].keyLocation, PipelineValue(.map(inner), at: place))
        } else {
            append(PipelineEntry(key, at: location, PipelineValue(.map(inner), at: value.location)))
        }
    }
}
