import Testing

@testable import Engine

@Suite struct ConcurrentlyTests {
    private struct Refused: Error, Equatable { var number: Int }

    @Test(arguments: [0, 1, 2, 1000]) func `results are in the order of the elements`(_ count: Int) throws {
        #expect(try concurrently(Array(0..<count)) { $0 * $0 } == (0..<count).map { $0 * $0 })
    }

    @Test func `of several errors the first element's is thrown`() {
        #expect(throws: Refused(number: 7)) {
            try concurrently(Array(0..<100)) { number in
                if number >= 7 { throw Refused(number: number) }
            }
        }
    }
}
