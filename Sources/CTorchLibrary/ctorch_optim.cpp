// Optimiser steps over lists of parameters, in as few calls as libtorch has.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/add.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "ctorch_internal.h"

using namespace ct;

namespace {

// Fused steps do not say that they changed their parameters; copies in other precisions must notice.
void changed(const std::vector<at::Tensor> &tensors) {
    for (auto &tensor : tensors) tensor.unsafeGetTensorImpl()->bump_version();
}

}  // namespace

extern "C" {

CTStatus ct_adamw_step(const CTTensor *parameters, const CTTensor *means, const CTTensor *squares,
                       const CTTensor *steps, int64_t count, double lr, double beta1, double beta2,
                       double eps, double weight_decay) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        std::vector<at::Tensor> values, gradients, firsts, seconds, counts;
        for (int64_t i = 0; i < count; i++) {
            auto &gradient = a_(parameters[i]).grad();
            if (!gradient.defined()) continue;
            values.push_back(a_(parameters[i]));
            gradients.push_back(gradient);
            firsts.push_back(a_(means[i]));
            seconds.push_back(a_(squares[i]));
            counts.push_back(a_(steps[i]));
        }
        if (values.empty()) return;
        // The fused kernel reads the steps as already counted; at step zero its bias correction is 0/0.
        at::_foreach_add_(counts, 1);
        at::_fused_adamw_(values, gradients, firsts, seconds, {}, counts, lr, beta1, beta2, weight_decay, eps,
                          /*amsgrad=*/false, /*maximize=*/false);
        changed(values);
    });
}

CTStatus ct_sgd_step(const CTTensor *parameters, const CTTensor *momenta, int64_t count, double lr,
                     double momentum, double weight_decay, bool nesterov) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        std::vector<at::Tensor> values, gradients, buffers;
        for (int64_t i = 0; i < count; i++) {
            auto &gradient = a_(parameters[i]).grad();
            if (!gradient.defined()) continue;
            values.push_back(a_(parameters[i]));
            gradients.push_back(gradient);
            if (momentum != 0) buffers.push_back(a_(momenta[i]));
        }
        if (values.empty()) return;
        // Momenta start at zero, which gives the first step that PyTorch gives by copying the gradient.
        at::_fused_sgd_(values, gradients, buffers, weight_decay, momentum, lr, /*dampening=*/0, nesterov,
                        /*maximize=*/false, /*is_first_step=*/false);
        changed(values);
    });
}

CTStatus ct_clip_grad_norm(const CTTensor *parameters, int64_t count, double max_norm, CTTensor *norm) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        std::vector<at::Tensor> gradients;
        for (int64_t i = 0; i < count; i++) {
            auto &gradient = a_(parameters[i]).grad();
            if (gradient.defined()) gradients.push_back(gradient);
        }
        if (gradients.empty()) {
            *norm = made(at::zeros({}));
            return;
        }
        auto total = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)));
        if (std::isfinite(max_norm)) {
            auto scale = at::mul(at::reciprocal(at::add(total, 1e-6)), max_norm);
            at::_foreach_mul_(gradients, at::clamp_max(scale, 1.0));
        }
        *norm = made(std::move(total));
    });
}

CTStatus ct_foreach_lerp(const CTTensor *shadows, const CTTensor *parameters, int64_t count, double weight) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        std::vector<at::Tensor> moving, targets;
        for (int64_t i = 0; i < count; i++) {
            auto &shadow = a_(shadows[i]);
            if (shadow.is_floating_point()) {
                moving.push_back(shadow);
                targets.push_back(a_(parameters[i]));
            } else {
                shadow.copy_(a_(parameters[i]));
            }
        }
        if (!moving.empty()) at::_foreach_lerp_(moving, targets, weight);
        changed(moving);
    });
}

}  // extern "C"
