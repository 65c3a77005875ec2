import ArgumentParser
import Diagnostics
import Foundation

/// Writes a commented pipeline file to begin with.
struct InitCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a commented pipeline file to begin with.",
        discussion: "The templates:\n"
            + PipelineTemplate.allCases.map { "  \($0.rawValue): \($0.purpose)" }.joined(separator: "\n"))

    @Argument(help: "The file to write.", completion: .file(extensions: ["yaml"])) var file = "retort.yaml"
    @Option(help: "What the pipeline is for.") var template = PipelineTemplate.distill
    @Flag(help: "Use rendered images, which need no download, and short stages.") var demo = false
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let url = URL(filePath: file)
        do {
            try Data((template.text(demo: demo) + "\n").utf8).write(to: url, options: .withoutOverwriting)
        } catch CocoaError.fileWriteFileExists {
            throw Diagnostic(
                "there is a file \(file) already", hint: "name another: retort init other.yaml",
                exitCode: .usage)
        } catch {
            throw Diagnostic(
                "\(file) cannot be written: \(error.localizedDescription)", exitCode: .io)
        }
        if global.json { return try console.print(json: ["file": url.path, "template": template.rawValue]) }
        console.print(file)
        console.note(
            demo
                ? "go on with: retort run \(file)"
                : "set its paths to your files, then: retort plan \(file)")
    }
}
