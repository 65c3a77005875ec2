// Counts the multiplications of what this thread computes, by watching the operations that libtorch dispatches.
//
// libtorch is built without its debug checks, and some are in this header and can never hold against such a library.
#ifndef NDEBUG
#define NDEBUG
#endif
#include <ATen/TracerMode.h>
#include <ATen/record_function.h>

#include <memory>
#include <string_view>

#include "ctorch_internal.h"

using namespace ct;

namespace {

// Threads do not share it: operations are dispatched by the thread that asks for them.
struct Counter {
    double multiplications = 0;
    at::CallbackHandle callback = at::INVALID_CALLBACK_HANDLE;
    bool wasTracing = false;
};
thread_local Counter counter;

// A convolution's count needs its result, too.
struct Convolution : at::ObserverContext {
    double perOutput = 0;
};

double numbers(const c10::IValue &value) { return double(value.toTensor().numel()); }

int64_t size(const c10::IValue &value, int64_t dim) { return value.toTensor().size(dim); }

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction &call) {
    const std::string_view name = call.name();
    auto inputs = call.inputs();
    auto is = [&](std::string_view other) { return name == other; };
    // Only what others are made of: a `linear` becomes one of these, and would count twice.
    if (is("aten::mm") || is("aten::bmm")) {
        counter.multiplications += numbers(inputs[0]) * double(size(inputs[1], -1));
    } else if (is("aten::addmm") || is("aten::baddbmm")) {
        counter.multiplications += numbers(inputs[1]) * double(size(inputs[2], -1));
    } else if (is("aten::mv") || is("aten::addmv")) {
        counter.multiplications += numbers(inputs[is("aten::mv") ? 0 : 1]);
    } else if (is("mkldnn::_linear_pointwise")) {
        counter.multiplications += numbers(inputs[0]) * double(size(inputs[1], 0));
    } else if (name.starts_with("aten::_scaled_dot_product_") && !name.ends_with("_math") &&
               name.find("backward") == std::string_view::npos) {
        // [B, H, N, E] with [B, H, M, E]: the scores, and their product with the values.
        counter.multiplications +=
            numbers(inputs[0]) / double(size(inputs[0], -1)) * double(size(inputs[1], -2)) *
            double(size(inputs[0], -1) + size(inputs[2], -1));
    } else if (is("aten::_convolution") || is("mkldnn::_convolution_pointwise")) {
        const auto weight = inputs[1].toTensor();
        auto convolution = std::make_unique<Convolution>();
        const bool isTransposed = is("aten::_convolution") && inputs[6].toBool();
        if (isTransposed) {
            counter.multiplications += numbers(inputs[0]) * double(weight.numel()) / double(weight.size(0));
        } else {
            convolution->perOutput = double(weight.numel()) / double(weight.size(0));
        }
        return convolution;
    }
    return nullptr;
}

void end(const at::RecordFunction &call, at::ObserverContext *context) {
    if (context == nullptr || call.outputs().empty()) return;
    counter.multiplications += static_cast<Convolution *>(context)->perOutput * numbers(call.outputs().back());
}

}  // namespace

extern "C" {

CTStatus ct_count_begin(void) {
    return guarded([&] {
        TORCH_CHECK(counter.callback == at::INVALID_CALLBACK_HANDLE, "multiplications are being counted already");
        counter.multiplications = 0;
        // Kernels of ours leave their work to libtorch's operations while these may be recorded, and are seen so.
        counter.wasTracing = c10::impl::tls_is_dispatch_key_included(at::DispatchKey::Tracer);
        at::tracer::impl::set_dispatch_enabled(true);
        counter.callback = at::addThreadLocalCallback(at::RecordFunctionCallback(&begin, &end)
                                                          .needsInputs(true)
                                                          .needsOutputs(true)
                                                          .scopes({at::RecordScope::FUNCTION}));
    });
}

CTStatus ct_count_end(double *multiplications) {
    return guarded([&] {
        TORCH_CHECK(counter.callback != at::INVALID_CALLBACK_HANDLE, "multiplications are not being counted");
        at::removeCallback(counter.callback);
        counter.callback = at::INVALID_CALLBACK_HANDLE;
        at::tracer::impl::set_dispatch_enabled(counter.wasTracing);
        *multiplications = counter.multiplications;
    });
}

}  // extern "C"
