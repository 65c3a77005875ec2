import Search

extension Mark {
    /// The key that sets it.
    var key: String {
        switch self {
        case .accept: "a"
        case .reject: "r"
        case .duplicate: "d"
        case .leak: "l"
        case .unsure: "?"
        case .none: "u"
        }
    }

    /// The marks that say something.
    static let judgements = allCases.filter { $0 != .none }
}
