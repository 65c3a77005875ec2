import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Checks the machine: libraries, devices, codecs, space.
struct DoctorCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check libraries, devices, codecs and free space on this machine.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let checks = HealthCheck.all(store: store.root)
        if global.json {
            try console.print(json: checks)
        } else {
            var table = TextTable()
            for check in checks {
                table.add(mark(check.state, console.style), "\(check.name)", "\(check.finding)")
            }
            for (line, check) in zip(table.lines(), checks) {
                console.print(line)
                if let hint = check.hint { console.print("    hint: \(hint)") }
            }
        }
        if checks.contains(where: { $0.state == .failed }) { throw EarlyExit(.unavailable) }
    }

    private func mark(_ state: HealthCheck.State, _ style: TextStyle) -> TextTable.Cell {
        switch state {
        case .ok: TextTable.Cell("ok", style.green)
        case .warning: TextTable.Cell("warning", style.yellow)
        case .failed: TextTable.Cell("failed", style.red)
        }
    }
}
