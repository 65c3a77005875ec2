import ArgumentParser
import Diagnostics

/// A word on the command line that stands where a verb must, and is none.
struct UnknownVerb {
    let word: String
    /// What stands before it: `retort`, or `retort model`.
    let path: String
    /// The verbs that may stand there.
    let verbs: [String]

    private static let options = [
        "-C", "--directory", "--json", "-q", "--quiet", "-v", "--verbose",
    ]

    /// Finds the word in a command line that could not be parsed; nil where every verb is one.
    init?(in arguments: [String], of root: any ParsableCommand.Type) {
        var command = root
        var path = root._commandName
        var words = arguments[...]
        while !command.configuration.subcommands.isEmpty {
            // Before the verb stand the options that every verb has; one of them has a value.
            while let option = words.first, option.hasPrefix("-") {
                guard Self.options.contains(option) else { return nil }
                words.removeFirst()
                if ["-C", "--directory"].contains(option) { words = words.dropFirst() }
            }
            guard let word = words.popFirst(), word != "help" else { return nil }
            let verbs = command.configuration.subcommands
            guard let verb = verbs.first(where: { $0._commandName == word }) else {
                self.word = word
                self.path = path
                self.verbs = verbs.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
                return
            }
            command = verb
            path += " \(word)"
        }
        return nil
    }

    var diagnostic: Diagnostic {
        Diagnostic(
            "'\(path)' has no verb '\(word)'",
            hint: word.didYouMean(verbs) ?? "'\(path) --help' lists the verbs", exitCode: .usage)
    }
}
