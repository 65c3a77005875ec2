import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Tensors

/// Checks the machine: libraries, devices, codecs, space.
struct DoctorCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check libraries, devices, codecs and free space on this machine.")

    @Flag(help: "Measure matrix products and the training of a small student, in half a minute.") var bench =
        false
    @Flag(help: "Put right what crashes and lost files left in the store.") var repair = false
    @Option(help: "Measure on cpu or cuda:N.") var device = "cpu"
    @Option(help: "Threads of one tensor operation.") var threads = ProcessInfo.processInfo
        .activeProcessorCount
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        if repair { return try mend(console) }
        var checks = HealthCheck.all(store: store.root)
        if bench { checks += try measurements() }
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

    /// Rebuilds what can be rebuilt from the store's folders; artifacts themselves are for `verify`.
    private func mend(_ console: Console) throws {
        let repair = try StoreRepair(store.existing())
        try repair.repair()
        if global.json { return try console.print(json: repair.findings) }
        for finding in repair.findings {
            console.print("\(finding.kind.rawValue) \(finding.path): \(finding.remedy)")
        }
        console.print("\(Wording.count(repair.findings.count, "thing")) put right")
    }

    private func measurements() throws -> [HealthCheck] {
        guard let device = Device(self.device) else {
            throw Diagnostic("'\(self.device)' is no device", hint: "write cpu or cuda:0", exitCode: .usage)
        }
        try Torch.setThreads(max(1, threads))
        return try SpeedCheck(device: device).all()
    }

    private func mark(_ state: HealthCheck.State, _ style: TextStyle) -> TextTable.Cell {
        switch state {
        case .ok: TextTable.Cell("ok", style.green)
        case .warning: TextTable.Cell("warning", style.yellow)
        case .failed: TextTable.Cell("failed", style.red)
        }
    }
}
