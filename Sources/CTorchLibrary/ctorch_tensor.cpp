// Handles, what a tensor is, and its way to and from host memory.
#include <ATen/TracerMode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "ctorch_internal.h"

using namespace ct;

extern "C" {

void ct_free(CTTensor tensor) {
#ifdef DEBUG
    // Freeing twice corrupts the heap and would surface far from here.
    if (tensor != nullptr && !tensor->isAlive()) __builtin_trap();
#endif
    delete tensor;
}

int64_t ct_live_handles(void) { return liveHandles.load(std::memory_order_relaxed); }

int64_t ct_rank(CTTensor tensor) { return live_(tensor).dim(); }

void ct_sizes(CTTensor tensor, int64_t *sizes) {
    auto shape = live_(tensor).sizes();
    std::copy(shape.begin(), shape.end(), sizes);
}

int32_t ct_dtype(CTTensor tensor) { return int32_t(live_(tensor).scalar_type()); }

int32_t ct_device(CTTensor tensor) {
    return live_(tensor).is_cpu() ? -1 : int32_t(live_(tensor).get_device());
}

bool ct_is_contiguous(CTTensor tensor) { return live_(tensor).is_contiguous(); }

bool ct_is_channels_last(CTTensor tensor) {
    return live_(tensor).is_contiguous(at::MemoryFormat::ChannelsLast);
}

bool ct_requires_grad(CTTensor tensor) { return live_(tensor).requires_grad(); }

CTStatus ct_from_host(const void *bytes, size_t byte_count, const int64_t *shape, int64_t rank, int32_t dtype,
                      CTTensor *out) {
    return guarded([&] {
        // In a trace it is a constant: the copy below is no operation, and memory without it would be recorded.
        at::tracer::impl::NoTracerDispatchMode untraced;
        auto tensor = at::empty(ints_(shape, rank), at::TensorOptions().dtype(dtype_(dtype)));
        TORCH_CHECK(tensor.nbytes() == byte_count, "shape ", tensor.sizes(), " of ", tensor.dtype(), " takes ",
                    tensor.nbytes(), " bytes, but ", byte_count, " bytes were given");
        if (byte_count > 0) std::memcpy(tensor.data_ptr(), bytes, byte_count);
        *out = made(std::move(tensor));
    });
}

CTStatus ct_to_host(CTTensor a, int32_t dtype, void *bytes, size_t byte_count) {
    return guarded([&] {
        auto tensor = a_(a).detach().to(at::kCPU, dtype_(dtype)).contiguous();
        TORCH_CHECK(tensor.nbytes() == byte_count, "the tensor takes ", tensor.nbytes(),
                    " bytes, not ", byte_count);
        if (byte_count > 0) std::memcpy(bytes, tensor.data_ptr(), byte_count);
    });
}

CTStatus ct_item(CTTensor a, double *out) {
    return guarded([&] { *out = a_(a).item().toDouble(); });
}

CTStatus ct_data(CTTensor a, void **bytes, size_t *byte_count) {
    return guarded([&] {
        auto &tensor = a_(a);
        TORCH_CHECK(tensor.is_cpu(), "the memory of a tensor on another device cannot be read");
        TORCH_CHECK(tensor.is_contiguous(), "the memory of a tensor whose strides are not those of its shape");
        *bytes = tensor.data_ptr();
        *byte_count = tensor.nbytes();
    });
}

}  // extern "C"
