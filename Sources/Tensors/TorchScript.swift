internal import CTorch
public import Foundation

/// A model that someone exported with TorchScript, scripted or traced.
///
/// Such a file brings code along, and loading runs it: load only files that the user named.
public final class TorchScript {
    /// A tensor that the script holds.
    public struct Entry {
        /// Its name in the script's state dict.
        public let name: String
        /// The tensor: the script's own, not a copy.
        public let tensor: Tensor
        /// Whether it is a parameter, which gradients can train; a buffer otherwise.
        public let isParameter: Bool
    }

    /// The parameters and buffers, module by module; tied weights stand under the first of their names.
    ///
    /// A script that was frozen (`torch.jit.freeze`) has none: they became constants of its code.
    public let entries: [Entry]
    private let handle: CTScript
    private var isTraining = false

    /// Loads a script for evaluation on a device, its weights in fp32.
    public init(_ file: URL, device: Device = .cpu) throws(TorchError) {
        var out: CTScript?
        let status = ct_script_load(file.path, device.number, &out)
        guard status == CT_OK, let out else { throw TorchError(status: status, operation: "TorchScript") }
        handle = out
        var entries: [Entry] = []
        do throws(TorchError) {
            for index in 0..<ct_script_tensor_count(out) {
                entries.append(
                    Entry(
                        name: String(cString: ct_script_tensor_name(out, index)),
                        tensor: try Tensor(operation: "TorchScript") { ct_script_tensor(out, index, $0) },
                        isParameter: ct_script_tensor_is_parameter(out, index)))
            }
        } catch {
            ct_script_free(out)
            throw error
        }
        self.entries = entries
    }

    deinit { ct_script_free(handle) }

    /// Puts every module of the script into training or evaluation mode; one that was frozen has no modes.
    public func setTraining(_ flag: Bool) throws(TorchError) {
        guard flag != isTraining else { return }
        try check(
            withExtendedLifetime(self) { ct_script_set_training(handle, flag) }, operation: "setTraining")
        isTraining = flag
    }

    /// Takes one of several results from now on: that of a key of a dictionary, or of a number in a tuple or a list.
    public func select(_ part: String) throws(TorchError) {
        try check(withExtendedLifetime(self) { ct_script_select(handle, part) }, operation: "select")
    }

    /// Runs the script's `forward`, which must return one tensor, or the part that was selected.
    ///
    /// - Parameter seed: where libtorch's global generator starts, the only one that a script can draw from.
    public func forward(_ inputs: Tensor..., seed: UInt64? = nil) throws(TorchError) -> Tensor {
        try Tensor(list: inputs) { list, out in
            withExtendedLifetime(self) {
                guard var seed else { return ct_script_forward(handle, list, Int64(inputs.count), nil, out) }
                return ct_script_forward(handle, list, Int64(inputs.count), &seed, out)
            }
        }
    }
}
