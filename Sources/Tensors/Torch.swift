internal import CTorch

/// libtorch itself: its version, threads, determinism and devices.
public enum Torch {
    /// The version of the headers that this program was compiled with.
    public static var compiledVersion: String { String(cString: ct_compiled_version()) }

    /// Loads libtorch, unless it is there; otherwise the first operation does.
    ///
    /// - Throws: `TorchError` where there is none, or another version than this program was compiled for: nothing else
    ///   would notice, and what it computes would be nonsense.
    public static func load() throws(TorchError) {
        guard let problem = ct_library_problem() else { return }
        throw TorchError(code: .internal, operation: "load", message: String(cString: problem))
    }

    /// How many threads one operation on this thread may use; setting it also decides for threads to come.
    public static var threads: Int { Int(ct_threads()) }

    /// Sets how many threads one operation may use, on this thread and on threads that start later.
    public static func setThreads(_ count: Int) throws(TorchError) {
        try check(ct_set_threads(Int32(clamping: count)), operation: "setThreads")
    }

    /// Whether this processor has the instructions that Retort's own bf16 kernels are written in.
    public static var hasOwnKernels: Bool { ct_has_own_kernels() }

    /// Whether attention is one of them: with matrix tiles (AMX), plain products are faster.
    public static var hasOwnAttention: Bool { ct_has_own_attention() }

    /// Runs `body` with libtorch's operations alone on this thread: to compare, or to find a fault.
    public static func withoutOwnKernels<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = ct_use_own_kernels(false)
        defer { _ = ct_use_own_kernels(before) }
        return try body()
    }

    /// Gives memory that is free back to the system: what training needed, evaluation may not.
    public static func releaseMemory() { ct_release_memory() }

    /// Keeps operations of this thread on this thread, whatever other threads use; for loader threads.
    public static func useOneThreadHere() { ct_use_one_thread_here() }

    /// Makes operations choose kernels that give the same bits every time, and throw where there is none.
    public static func setDeterministic(_ flag: Bool) throws(TorchError) {
        try check(ct_set_deterministic(flag), operation: "setDeterministic")
    }

    /// The number of CUDA devices; zero where there is no CUDA.
    ///
    /// The first use loads the CUDA part of libtorch. Ask before the first backward pass of the process: it
    /// settles for good which devices there are.
    public static var cudaDeviceCount: Int { Int(ct_cuda_device_count()) }

    /// Whether there is a CUDA device that can be used.
    public static var cudaAvailable: Bool { cudaDeviceCount > 0 }

    /// Why there is no CUDA device; nil where there is one.
    public static var cudaUnavailableReason: String? {
        cudaAvailable ? nil : String(cString: ct_cuda_reason())
    }

    /// Waits until everything queued on a device is done; on the CPU it always is.
    public static func synchronize(_ device: Device) throws(TorchError) {
        try check(ct_synchronize(device.number), operation: "synchronize")
    }
}
