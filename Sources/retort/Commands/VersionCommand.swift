import ArgumentParser
import Engine
import Tensors

/// Prints the versions of Retort and of what it was built with.
struct VersionCommand: RetortCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        if global.json {
            try console.print(json: ["retort": ProductVersion.current, "libtorch": Torch.compiledVersion])
        } else {
            console.print("retort \(ProductVersion.current) (libtorch \(Torch.compiledVersion))")
        }
    }
}
