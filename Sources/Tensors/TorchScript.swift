internal import CTorch
public import Foundation

/// A model that someone exported with TorchScript.
///
/// Such a file brings code along, and loading runs it: load only files that the user named.
public final class TorchScript {
    private let handle: CTScript

    /// Loads a script for evaluation on a device.
    public init(_ file: URL, device: Device = .cpu) throws(TorchError) {
        var out: CTScript?
        let status = ct_script_load(file.path, device.number, &out)
        guard status == CT_OK, let out else { throw TorchError(status: status, operation: "TorchScript") }
        handle = out
    }

    deinit { ct_script_free(handle) }

    /// Runs the script's `forward`, which must return one tensor.
    public func forward(_ inputs: Tensor...) throws(TorchError) -> Tensor {
        try Tensor(list: inputs) { list, out in
            withExtendedLifetime(self) { ct_script_forward(handle, list, Int64(inputs.count), out) }
        }
    }
}
