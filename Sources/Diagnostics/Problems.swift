/// Every problem found in one pass, so that the user mends them in one go.
public struct Problems: Error, Hashable, Sendable, CustomStringConvertible {
    /// The problems, in the order in which they were found.
    public private(set) var all: [Diagnostic] = []

    /// Creates a list of problems.
    public init(_ all: [Diagnostic] = []) { self.all = all }

    /// Adds one problem.
    public mutating func report(_ diagnostic: Diagnostic) { all.append(diagnostic) }

    /// Adds the problems of another pass.
    public mutating func report(_ problems: Problems) { all += problems.all }

    /// Throws when at least one problem is an error.
    public func check() throws(Problems) {
        if all.contains(where: { $0.severity == .error }) { throw self }
    }

    /// The exit code of the first error.
    public var exitCode: ExitCode { all.first { $0.severity == .error }?.exitCode ?? .badConfiguration }

    /// All texts, one below the other.
    public var description: String { all.map(\.description).joined(separator: "\n") }
}

extension Diagnostic {
    /// What an error says first to the user; nil where it is neither a diagnostic nor a list of them.
    public static func first(of error: any Error) -> Diagnostic? {
        (error as? Problems)?.all.first ?? error as? Diagnostic
    }
}
