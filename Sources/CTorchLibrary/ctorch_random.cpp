// Random numbers, always from a generator that the caller holds.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/where.h>

#include <cmath>

#include "ctorch_internal.h"

using namespace ct;

struct CTGenerator_ : ct::Handle<ct::generatorMark> {
    explicit CTGenerator_(at::Generator generator) : value(std::move(generator)) {}
    at::Generator value;
};

namespace {

at::Generator &g_(CTGenerator generator) { return checked(generator, "generator")->value; }

CTStatus filled(CTGenerator g, const int64_t *shape, int64_t rank, int32_t dtype, CTTensor *out, auto &&fill) {
    return guarded([&] {
        auto options = at::TensorOptions().dtype(dtype_(dtype)).device(g_(g).device());
        auto tensor = at::empty(ints_(shape, rank), options);
        fill(tensor);
        *out = made(std::move(tensor));
    });
}

}  // namespace

extern "C" {

CTStatus ct_generator_new(uint64_t seed, int32_t device, CTGenerator *out) {
    return guarded([&] {
        auto place = device_(device);
        if (place.is_cpu()) {
            *out = new CTGenerator_(at::detail::createCPUGenerator(seed));
        } else {
            auto generator = at::detail::getCUDAHooks().getNewGenerator(place.index());
            generator.set_current_seed(seed);
            *out = new CTGenerator_(std::move(generator));
        }
    });
}

void ct_generator_free(CTGenerator generator) { delete generator; }

CTStatus ct_generator_state(CTGenerator generator, CTTensor *out) {
    return guarded([&] { *out = made(g_(generator).get_state()); });
}

CTStatus ct_generator_set_state(CTGenerator generator, CTTensor state) {
    return guarded([&] { g_(generator).set_state(a_(state)); });
}

CTStatus ct_uniform(CTGenerator g, const int64_t *shape, int64_t rank, double low, double high, int32_t dtype,
                    CTTensor *out) {
    return filled(g, shape, rank, dtype, out, [&](at::Tensor &t) { t.uniform_(low, high, g_(g)); });
}

CTStatus ct_normal(CTGenerator g, const int64_t *shape, int64_t rank, double mean, double deviation,
                   int32_t dtype, CTTensor *out) {
    return filled(g, shape, rank, dtype, out, [&](at::Tensor &t) { t.normal_(mean, deviation, g_(g)); });
}

CTStatus ct_trunc_normal(CTGenerator g, const int64_t *shape, int64_t rank, double mean, double deviation,
                         double low, double high, int32_t dtype, CTTensor *out) {
    return filled(g, shape, rank, dtype, out, [&](at::Tensor &t) {
        auto below = [&](double x) { return (1 + std::erf((x - mean) / deviation / std::sqrt(2.0))) / 2; };
        TORCH_CHECK_VALUE(below(high) - below(low) > 0.3, "the range from ", low, " to ", high,
                          " keeps too little of the normal distribution to draw from it");
        // Draws again what falls outside, as torch.nn.init.trunc_normal_ does since 2.13. The older way, through
        // the inverse of the distribution, puts one value in ten million on the very border.
        t.normal_(mean, deviation, g_(g));
        for (;;) {
            auto outside = at::logical_or(at::lt(t, low), at::gt(t, high));
            if (!outside.any().item().toBool()) break;
            t = at::where(outside, at::empty_like(t).normal_(mean, deviation, g_(g)), t);
        }
    });
}

CTStatus ct_bernoulli(CTGenerator g, const int64_t *shape, int64_t rank, double probability, int32_t dtype,
                      CTTensor *out) {
    return filled(g, shape, rank, dtype, out, [&](at::Tensor &t) { t.bernoulli_(probability, g_(g)); });
}

CTStatus ct_randint(CTGenerator g, const int64_t *shape, int64_t rank, int64_t low, int64_t high, CTTensor *out) {
    return filled(g, shape, rank, int32_t(at::kLong), out, [&](at::Tensor &t) { t.random_(low, high, g_(g)); });
}

CTStatus ct_randperm(CTGenerator g, int64_t count, CTTensor *out) {
    return guarded([&] {
        auto options = at::TensorOptions().dtype(at::kLong).device(g_(g).device());
        *out = made(at::randperm(count, g_(g), options));
    });
}

CTStatus ct_dropout(CTTensor a, double p, CTGenerator g, CTTensor *out) {
    return guarded([&] {
        auto &input = a_(a);
        auto options = input.options().device(g_(g).device());
        auto mask = at::empty_like(input, options).bernoulli_(1 - p, g_(g));
        // p of one keeps nothing, and 0/0 must not make it NaN.
        if (p < 1) mask.div_(1 - p);
        *out = made(at::mul(input, mask.to(input.device())));
    });
}

}  // extern "C"
