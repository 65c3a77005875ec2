/// A binary heap that yields its elements in the order of a strict predicate.
struct PriorityQueue<Element> {
    private var heap: [Element] = []
    private let precedes: (Element, Element) -> Bool

    init(_ elements: [Element], by precedes: @escaping (Element, Element) -> Bool) {
        self.precedes = precedes
        // A sorted array is a heap.
        heap = elements.sorted(by: precedes)
    }

    mutating func push(_ element: Element) {
        heap.append(element)
        var child = heap.count - 1
        while child > 0, precedes(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Element? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var best = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && precedes(heap[child], heap[best]) { best = child }
            guard best != parent else { return first }
            heap.swapAt(parent, best)
            parent = best
        }
    }
}
