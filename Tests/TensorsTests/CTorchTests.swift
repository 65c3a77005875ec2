import CTorch
import Testing

/// The C interface, called as C calls it.
@Suite struct CTorchTests {
    private func ones(_ shape: [Int64]) -> CTTensor? {
        var out: CTTensor?
        let one = CTScalar(real: 1, integer: 0, is_integer: false)
        let status = ct_full(shape, Int64(shape.count), one, 6, -1, &out)
        return status == CT_OK ? out : nil
    }

    @Test func `a failure sets a status and this thread's message, and writes nothing`() throws {
        let a = try #require(ones([2, 3]))
        defer { ct_free(a) }
        var out: CTTensor?
        #expect(ct_matmul(a, a, &out) == CT_SHAPE)
        #expect(out == nil)
        let message = String(cString: ct_last_error())
        #expect(message == "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
        #expect(ct_softmax(a, 9, &out) == CT_INDEX)
        #expect(String(cString: ct_last_error()).contains("out of range"))
    }

    @Test func `an operation with two results writes both or neither`() throws {
        let a = try #require(ones([3]))
        defer { ct_free(a) }
        var values: CTTensor?, indices: CTTensor?
        #expect(ct_topk(a, 4, 0, true, &values, &indices) != CT_OK)
        #expect(values == nil && indices == nil)
        #expect(ct_topk(a, 2, 0, true, &values, &indices) == CT_OK)
        #expect(ct_rank(values) == 1 && ct_dtype(indices) == 4)
        ct_free(values)
        ct_free(indices)
    }

    @Test func `a missing tensor is null, and freeing null does nothing`() throws {
        let a = try #require(ones([2, 3]))
        defer { ct_free(a) }
        var out: CTTensor?
        #expect(ct_linear(a, a, nil, &out) == CT_OK)
        ct_free(out)
        ct_free(nil)
        #expect(ct_grad(a, &out) == CT_OK)
        #expect(out == nil)
    }

    #if DEBUG
        @Test func `a null handle reports itself in debug builds`() {
            var out: CTTensor?
            #expect(ct_relu(nil, &out) == CT_INTERNAL)
            #expect(
                String(cString: ct_last_error())
                    == "a freed or missing tensor was used; this is a bug in Retort")
        }
    #endif

    @Test func `grad mode returns what was set before`() {
        #expect(ct_grad_mode())
        #expect(ct_set_grad_mode(false))
        #expect(!ct_set_grad_mode(true))
    }

    @Test func `sizes of a tensor without dimensions write nothing`() throws {
        let a = try #require(ones([]))
        defer { ct_free(a) }
        #expect(ct_rank(a) == 0)
        ct_sizes(a, nil)
        var value = 0.0
        #expect(ct_item(a, &value) == CT_OK)
        #expect(value == 1)
    }
}
