import Tensors
import Testing

@testable import Training

@Suite struct DenseAnswersTests {
    @Test func `answers that add up to one are probabilities already`() throws {
        let logits = try Tensor([2, -1, 0.5, 3, 0, -2] as [Float], shape: [1, 3, 1, 2])
        let probabilities = try logits.softmax(1)
        #expect(try !DenseAnswers.areProbabilities(logits))
        #expect(try DenseAnswers.areProbabilities(probabilities))
        let (numbers, largest) = try probabilities.log().mostProbableClasses()
        let (own, wanted) = try logits.mostProbableClasses()
        #expect(try numbers.floats() == own.floats())
        #expect(try zip(largest.floats(), wanted.floats()).allSatisfy { abs($0 - $1) < 1e-5 })
        // Logits between 0 and 1, and one channel of ones
        #expect(
            try !DenseAnswers.areProbabilities(Tensor([0.1, 0.5, 0.2, 0.9] as [Float], shape: [1, 2, 1, 2])))
        #expect(try !DenseAnswers.areProbabilities(.ones([1, 1, 2, 2])))
    }
}
