internal import Diagnostics
internal import Foundation

extension StageFailure {
    /// Wraps what a stage or the engine threw, and decides what the process says with its exit code.
    init(stage: Graph.Node, step: Int?, _ error: any Error, workFolder: String) {
        self.init(stage: stage.name, step: step, underlying: error, exitCode: .stageFailed)
        switch error {
        case let problems as Problems: exitCode = problems.exitCode
        case var diagnostic as Diagnostic:
            diagnostic.location = diagnostic.location ?? stage.spec.nameLocation
            underlying = diagnostic
            exitCode = diagnostic.exitCode
        case let error as StoreError: exitCode = error.exitCode
        case let error as LockBusy: exitCode = error.exitCode
        default:
            // Other modules and Foundation have their own words for a full disk.
            if isOutOfSpace(error) || freeBytes(workFolder) < 1 << 16 {
                underlying = StoreError(ENOSPC, .write, workFolder)
                exitCode = .io
            }
        }
    }
}

private func isOutOfSpace(_ error: any Error) -> Bool {
    let error = error as NSError
    if error.domain == NSCocoaErrorDomain && error.code == CocoaError.fileWriteOutOfSpace.rawValue {
        return true
    }
    if error.domain == NSPOSIXErrorDomain && StoreError(Int32(error.code), .write, "").isOutOfSpace {
        return true
    }
    return (error.userInfo[NSUnderlyingErrorKey] as? any Error).map(isOutOfSpace) ?? false
}

private func freeBytes(_ folder: String) -> UInt {
    var status = statvfs()
    return statvfs(folder, &status) == 0 ? UInt(status.f_bavail) * UInt(status.f_frsize) : .max
}
