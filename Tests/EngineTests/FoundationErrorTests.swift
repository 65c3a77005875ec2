import Engine
import Foundation
import TestSupport
import Testing

/// What Foundation says of files, told like all other troubles with files.
@Suite struct FoundationErrorTests {
    @Test func `an error about a file names it and the system's reason`() throws {
        let folder = try TemporaryFolder()
        func said(_ body: () throws -> Void) -> String? {
            do { try body() } catch { return StoreError(error)?.description }
            return nil
        }
        let nowhere = folder.appending("a/b")
        #expect(
            said { try Data().write(to: nowhere) }
                == "cannot write '\(nowhere.path)': No such file or directory")
        #expect(
            said { _ = try Data(contentsOf: nowhere) }
                == "cannot read '\(nowhere.path)': No such file or directory")
        #expect(
            said { _ = try FileManager.default.contentsOfDirectory(atPath: nowhere.path) }
                == "cannot read '\(nowhere.path)': No such file or directory")
        #expect(said { throw CancellationError() } == nil)
    }
}
