// Gradients, grad mode and autocast.
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include "ctorch_internal.h"

using namespace ct;

extern "C" {

CTStatus ct_set_requires_grad(CTTensor a, bool requires_grad) {
    return guarded([&] { a_(a).set_requires_grad(requires_grad); });
}

CTStatus ct_backward(CTTensor a, CTTensor optional_gradient, bool retain_graph) {
    return guarded([&] {
        torch::autograd::variable_list gradients;
        if (optional_gradient) gradients.push_back(a_(optional_gradient));
        torch::autograd::backward({a_(a)}, gradients, retain_graph);
    });
}

CTStatus ct_grad(CTTensor a, CTTensor *out) {
    return guarded([&] {
        auto &gradient = a_(a).grad();
        *out = gradient.defined() ? made(gradient) : nullptr;
    });
}

CTStatus ct_zero_grad(const CTTensor *tensors, int64_t count) {
    return guarded([&] {
        for (int64_t i = 0; i < count; i++) a_(tensors[i]).mutable_grad() = at::Tensor();
    });
}

bool ct_grad_mode(void) { return c10::GradMode::is_enabled(); }

bool ct_set_grad_mode(bool enabled) {
    bool previous = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(enabled);
    return previous;
}

CTStatus ct_autocast_enter(int32_t device, CTAutocast wanted, CTAutocast *previous) {
    return guarded([&] {
        auto kind = device_(device).type();
        previous->enabled = at::autocast::is_autocast_enabled(kind);
        previous->dtype = int32_t(at::autocast::get_autocast_dtype(kind));
        at::autocast::set_autocast_dtype(kind, dtype_(wanted.dtype));
        at::autocast::set_autocast_enabled(kind, wanted.enabled);
        at::autocast::increment_nesting();
    });
}

CTStatus ct_autocast_exit(int32_t device, CTAutocast previous) {
    return guarded([&] {
        auto kind = device_(device).type();
        // Weights that were cast are cached for the outermost scope and would otherwise outlive an update.
        if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
        at::autocast::set_autocast_dtype(kind, dtype_(previous.dtype));
        at::autocast::set_autocast_enabled(kind, previous.enabled);
    });
}

}  // extern "C"
