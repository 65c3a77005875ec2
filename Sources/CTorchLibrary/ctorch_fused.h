// What operations with kernels of our own share: when the kernels apply, and how tensors reach them.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include "ckernels.h"
#include "ctorch_internal.h"

namespace ct {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Whether an operation on these tensors is to be done in bf16 by kernels that libtorch does not know.
inline bool inReducedPrecision(const at::Tensor &a) {
    return a.device().is_cpu() && at::autocast::is_autocast_enabled(at::kCPU) &&
           at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16 && !torch::jit::tracer::isTracing() &&
           a.is_floating_point();
}

inline thread_local bool ownKernels = true;
inline bool hasKernels() { return ownKernels && ck_available(); }

// What runs below must not be cast again.
using WithoutAutocast = c10::impl::ExcludeDispatchKeyGuard;
inline WithoutAutocast withoutAutocast() { return WithoutAutocast(c10::autocast_dispatch_keyset); }

inline ck_bf16 *bits(const at::Tensor &a) { return reinterpret_cast<ck_bf16 *>(a.data_ptr<at::BFloat16>()); }
inline float *floats(const at::Tensor &a) { return a.defined() ? a.data_ptr<float>() : nullptr; }
inline int32_t threads() { return int32_t(at::get_num_threads()); }
inline at::Tensor bf16(const at::Tensor &a) { return a.to(at::kBFloat16).contiguous(); }
using Maybe = std::optional<at::Tensor>;
inline at::Tensor orNone(const Maybe &a) { return a.value_or(at::Tensor()); }

inline at::Tensor columnSums(const at::Tensor &a) {
    if (!hasKernels()) return a.sum(0, false, at::kFloat);
    auto sums = at::empty({a.size(1)}, a.options().dtype(at::kFloat));
    ck_column_sums(a.size(0), a.size(1), bits(a), floats(sums), threads());
    return sums;
}

// x · weightᵀ + bias in bf16 for weights that are kept in fp32; gradients of weights come out in fp32.
struct Linear : torch::autograd::Function<Linear> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                              const Maybe &bias, const at::Tensor &reduced) {
        auto guard = withoutAutocast();
        auto rows = bf16(x).view({-1, x.size(-1)});
        auto y = bias ? at::addmm(bias->to(at::kBFloat16), rows, reduced.t()) : at::mm(rows, reduced.t());
        context->save_for_backward({rows, reduced});
        context->saved_data["bias"] = bias.has_value();
        context->saved_data["shape"] = x.sizes().vec();
        auto shape = x.sizes().vec();
        shape.back() = weight.size(0);
        return y.view(shape);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        const auto &rows = saved[0], &reduced = saved[1];
        auto g = bf16(gradients[0]).view({-1, reduced.size(0)});
        at::Tensor ofX, ofWeight, ofBias;
        if (context->needs_input_grad(0)) {
            ofX = at::mm(g, reduced).view(context->saved_data["shape"].toIntVector());
        }
        if (context->needs_input_grad(1)) ofWeight = at::mm(g.t(), rows).to(at::kFloat);
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) ofBias = columnSums(g);
        return {ofX, ofWeight, ofBias, at::Tensor()};
    }
};

// The bf16 copy of a weight, made anew when the weight has changed.
inline const at::Tensor &reduced(CTTensor weight) {
    auto &value = a_(weight);
    const int64_t version = int64_t(value._version());
    if (!weight->reduced.defined() || weight->reducedVersion != version) {
        at::NoGradGuard noGrad;
        auto guard = withoutAutocast();
        weight->reduced = value.detach().to(at::kBFloat16).contiguous();
        weight->reducedVersion = version;
    }
    return weight->reduced;
}

}  // namespace ct
