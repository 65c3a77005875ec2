// Every operation of ops.def, the few with several results, and the in-place ones.
#include <ATen/ATen.h>

#include <memory>
#include <string_view>

#include "ctorch_internal.h"

using namespace ct;

namespace {

// Writes both results or neither: a second allocation that fails must not leak the first.
CTStatus pair(CTTensor *first, CTTensor *second, auto &&body) noexcept {
    return guarded([&] {
        auto [a, b] = body();
        auto owned = std::make_unique<CTTensor_>(std::move(a));
        *second = made(std::move(b));
        *first = owned.release();
    });
}

CTStatus inPlace(auto &&body) noexcept {
    return guarded([&] {
        at::NoGradGuard noGrad;
        body();
    });
}

}  // namespace

extern "C" {

#define CT_OP(name, signature, ...)                         \
    CTStatus ct_##name signature {                          \
        return guarded([&] { *out = made(__VA_ARGS__); });  \
    }
#include "ops.def"
#undef CT_OP

CTStatus ct_topk(CTTensor a, int64_t k, int64_t dim, bool largest, CTTensor *values, CTTensor *indices) {
    return pair(values, indices, [&] { return at::topk(a_(a), k, dim, largest, /*sorted=*/true); });
}

CTStatus ct_sort(CTTensor a, int64_t dim, bool descending, CTTensor *values, CTTensor *indices) {
    return pair(values, indices, [&] { return at::sort(a_(a), /*stable=*/true, dim, descending); });
}

CTStatus ct_max_dim(CTTensor a, int64_t dim, bool keepdim, CTTensor *values, CTTensor *indices) {
    return pair(values, indices, [&] { return at::max(a_(a), dim, keepdim); });
}

CTStatus ct_min_dim(CTTensor a, int64_t dim, bool keepdim, CTTensor *values, CTTensor *indices) {
    return pair(values, indices, [&] { return at::min(a_(a), dim, keepdim); });
}

CTStatus ct_copy_(CTTensor a, CTTensor source) {
    return inPlace([&] { a_(a).copy_(a_(source)); });
}

CTStatus ct_add_scaled_(CTTensor a, CTTensor other, double scale) {
    return inPlace([&] { a_(a).add_(a_(other), scale); });
}

CTStatus ct_mul_(CTTensor a, CTTensor other) {
    return inPlace([&] { a_(a).mul_(a_(other)); });
}

CTStatus ct_mul_scalar_(CTTensor a, CTScalar scalar) {
    return inPlace([&] { a_(a).mul_(s_(scalar)); });
}

CTStatus ct_add_scalar_(CTTensor a, CTScalar scalar) {
    return inPlace([&] { a_(a).add_(s_(scalar)); });
}

CTStatus ct_lerp_(CTTensor a, CTTensor target, double weight) {
    return inPlace([&] { a_(a).lerp_(a_(target), weight); });
}

CTStatus ct_fill_(CTTensor a, CTScalar value) {
    return inPlace([&] { a_(a).fill_(s_(value)); });
}

}  // extern "C"
