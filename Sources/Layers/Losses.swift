public import Tensors

/// The losses that training minimises; each gives one number for a batch.
public enum Loss {
    /// The cross-entropy of logits, `[B, C]`, with class numbers, `[B]`, or probabilities, `[B, C]`.
    public static func crossEntropy(
        _ logits: Tensor, _ target: Tensor, labelSmoothing: Double = 0
    ) throws -> Tensor {
        try logits.crossEntropy(target, labelSmoothing: labelSmoothing)
    }

    /// The cross-entropy of the pixels' logits, `[B, C, H, W]`, with class numbers, `[B, H, W]`.
    ///
    /// The mean over pixels with a number; those with −100 have none. Without any the loss is zero.
    public static func pixelCrossEntropy(
        _ logits: Tensor, _ target: Tensor, labelSmoothing: Double = 0
    ) throws -> Tensor {
        let count = try target.greaterOrEqual(0).to(.float32).sum().clamp(min: 1)
        let rows = try logits.to(.float32).permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
        return try rows.crossEntropy(
            target.reshape(-1), labelSmoothing: labelSmoothing, reduction: .sum) / count
    }

    /// How far a student's predictions are from its teacher's: `T² · KL(teacher ‖ student)`, averaged over rows.
    ///
    /// Both distributions are softened by the temperature `T`; the factor keeps gradients comparable between
    /// temperatures. Gradients do not reach the teacher's logits unless they were recorded.
    public static func distillation(
        teacher: Tensor, student: Tensor, temperature: Double = 1
    ) throws -> Tensor {
        let teacher = try (teacher / temperature).logSoftmax(-1)
        let student = try (student / temperature).logSoftmax(-1)
        return try student.klDiv(teacher, logTarget: true) * (temperature * temperature)
    }

    /// How badly each projected student feature picks its own teacher feature out of the batch's.
    ///
    /// `-log softmax(cos(pᵢ, tⱼ) / τ)` at `j = i`, averaged over the batch; both are `[B, D]`.
    public static func infoNCE(
        projected: Tensor, target: Tensor, temperature: Double = 0.07
    ) throws -> Tensor {
        let logits = try projected.normalize(-1).matmul(target.normalize(-1).transpose(0, 1)) / temperature
        let own = try Tensor.arange(0, projected.shape[0]).to(projected.device)
        return try logits.crossEntropy(own)
    }
}

extension Loss {
    /// How badly images and captions pick each other out of a batch's: CLIP's symmetric loss.
    ///
    /// `½ · (CE(s · I Tᵀ) + CE(s · T Iᵀ))` with the pairs on the diagonal; both are `[B, P]` and of length one, and `scale`
    /// is what similarities are multiplied by. Radford et al. 2021, figure 3.
    ///
    /// - Parameter mask: `[B, B]`, what is added to the similarities: −∞ where a pair is no wrong one for another.
    public static func contrastive(
        images: Tensor, texts: Tensor, scale: Tensor, mask: Tensor? = nil
    ) throws -> Tensor {
        var logits = try images.matmul(texts.transpose(0, 1)) * scale
        if let mask { logits = try logits + mask }
        let own = try Tensor.arange(0, images.shape[0]).to(images.device)
        return try (logits.crossEntropy(own) + logits.transpose(0, 1).crossEntropy(own)) * 0.5
    }
}
