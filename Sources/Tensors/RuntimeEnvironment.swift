internal import Foundation

/// What the libraries below read from the environment when they are loaded, before any code of a program runs.
public enum RuntimeEnvironment {
    /// The variables that computing programs want; what the user has set is left alone.
    ///
    /// libgomp lets threads that wait for each other spin for milliseconds. That costs nothing on an idle machine, but
    /// as soon as anything else runs, a spinning thread holds the processor that the awaited one needs, and training
    /// becomes several times slower.
    ///
    /// glibc gives each large tensor pages of its own, which the system clears first: a sixth of the time of a
    /// training step of a small transformer. Kept memory is used again, and comes in large pages. That
    /// holds for the main thread: other arenas grow to 64 MB at most, and whatever is larger gets fresh pages after all.
    /// (With one arena for all threads, distillations of a small network took 49 s in place of 46.)
    private static let wanted = [
        ("GOMP_SPINCOUNT", "2000"),
        (
            "GLIBC_TUNABLES",
            "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736:glibc.malloc.hugetlb=1"
        ),
    ]
    /// The environment for another process of this program, which then need not start itself anew.
    public static var adopted: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        for (name, value) in wanted where environment[name] == nil {
            if name == "GOMP_SPINCOUNT", environment["OMP_WAIT_POLICY"] != nil { continue }
            environment[name] = value
        }
        environment[mark] = "1"
        return environment
    }

    /// Says that the variables were set by this program.
    private static let mark = "RETORT_ENVIRONMENT"

    /// Starts this program anew with these variables; where that fails, it goes on as it is.
    ///
    /// - Parameter directory: the one to start in, where the program has moved to another since.
    public static func adopt(in directory: String? = nil) {
        guard getenv(mark) == nil else {
            // Programs that this one starts decide for themselves.
            unsetenv("GLIBC_TUNABLES")
            unsetenv(mark)
            return
        }
        var isNew = false
        for (name, value) in wanted where getenv(name) == nil {
            if name == "GOMP_SPINCOUNT", getenv("OMP_WAIT_POLICY") != nil { continue }
            isNew = setenv(name, value, 1) == 0 || isNew
        }
        guard isNew, setenv(mark, "1", 1) == 0,
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        else { return }
        let here = FileManager.default.currentDirectoryPath
        if let directory, !FileManager.default.changeCurrentDirectoryPath(directory) { return }
        execv(program, CommandLine.unsafeArgv)
        _ = FileManager.default.changeCurrentDirectoryPath(here)
    }
}
