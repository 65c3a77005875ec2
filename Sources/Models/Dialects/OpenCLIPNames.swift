public import Tensors

/// How the tensors of a CLIP become OpenCLIP's: the way back of ``WeightTranslation`` and ``TextTranslation``.
public enum OpenCLIPNames {
    /// One of our tensors under the name and in the shape in which OpenCLIP has it.
    ///
    /// - Parameter name: our name, that of the text tower below ``CLIPModel/prefix``.
    /// - Returns: nil where OpenCLIP's image tower has no such tensor.
    public static func translated(
        _ name: String, _ tensor: Tensor
    ) throws -> (name: String, tensor: Tensor)? {
        if name.hasPrefix(CLIPModel.prefix) {
            return (String(name.dropFirst(CLIPModel.prefix.count)), tensor)
        }
        if name == "proj.weight" { return ("visual.proj", try tensor.transpose(0, 1).contiguous()) }
        guard let theirs = Dialect.openCLIP.names(of: name).first else { return nil }
        guard ["cls_token", "pos_embed"].contains(name) else { return ("visual.\(theirs)", tensor) }
        // Positions, and what stands before the patches, have no dimension of images there.
        let shape = Array(tensor.shape.drop { $0 == 1 })
        return ("visual.\(theirs)", try tensor.reshape(shape))
    }
}
