// Activations and their gradients, element by element.
#include "include/ckernels.h"
#include "parallel.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {
namespace {

// Φ(x), and e^(−x²/2), which both the value and the slope need.
struct Normal {
    Floats below, density;

    explicit Normal(Floats x) {
        const Floats size = _mm512_min_ps(_mm512_set1_ps(64), _mm512_abs_ps(x));
        const Floats t = reciprocal(
            _mm512_fmadd_ps(size, _mm512_set1_ps(0.3275911f * 0.70710678f), _mm512_set1_ps(1)));
        Floats tail = _mm512_set1_ps(0.5f * 1.061405429f);
        tail = _mm512_fmadd_ps(tail, t, _mm512_set1_ps(0.5f * -1.453152027f));
        tail = _mm512_fmadd_ps(tail, t, _mm512_set1_ps(0.5f * 1.421413741f));
        tail = _mm512_fmadd_ps(tail, t, _mm512_set1_ps(0.5f * -0.284496736f));
        tail = _mm512_fmadd_ps(tail, t, _mm512_set1_ps(0.5f * 0.254829592f));
        density = exp2(_mm512_mul_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(-0.5f * log2e)));
        tail = _mm512_mul_ps(_mm512_mul_ps(tail, t), density);  // Φ(−|x|)
        const __mmask16 positive = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
        below = _mm512_mask_sub_ps(tail, positive, _mm512_set1_ps(1), tail);
    }
};

inline Floats gelu(Floats x) { return _mm512_mul_ps(x, Normal(x).below); }

inline Floats geluSlope(Floats x) {
    const Normal normal(x);
    return _mm512_fmadd_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.39894228f)), normal.density, normal.below);
}

inline Floats quickGelu(Floats x) { return _mm512_mul_ps(x, sigmoid(_mm512_mul_ps(x, _mm512_set1_ps(1.702f)))); }

inline Floats quickGeluSlope(Floats x) {
    const Floats y = _mm512_mul_ps(x, _mm512_set1_ps(1.702f)), s = sigmoid(y);
    // s + y s (1 − s)
    return _mm512_fmadd_ps(_mm512_mul_ps(y, s), _mm512_sub_ps(_mm512_set1_ps(1), s), s);
}

constexpr int64_t grain = 4096;  // numbers in a share's unit

template <Floats (*Function)(Floats)> void values(int64_t start, int64_t end, const ck_bf16 *x, ck_bf16 *out) {
    for (int64_t i = start; i < end; i += lanes) {
        const __mmask16 mask = first(end - i);
        store(out + i, Function(load(x + i, mask)), mask);
    }
}

template <Floats (*Slope)(Floats)>
void gradients(int64_t start, int64_t end, const ck_bf16 *x, const ck_bf16 *gradient, ck_bf16 *out) {
    for (int64_t i = start; i < end; i += lanes) {
        const __mmask16 mask = first(end - i);
        store(out + i, _mm512_mul_ps(Slope(load(x + i, mask)), load(gradient + i, mask)), mask);
    }
}

}  // namespace
}  // namespace kernels
KERNELS_END

namespace {

template <class Body> void inGrains(int64_t count, int32_t threads, Body &&body) {
    kernels::shares((count + kernels::grain - 1) / kernels::grain, threads, [&](int64_t start, int64_t end) {
        body(start * kernels::grain, std::min(count, end * kernels::grain));
    });
}

}  // namespace

void ck_gelu(int64_t count, const ck_bf16 *x, ck_bf16 *out, int32_t threads) {
    inGrains(count, threads, [&](int64_t start, int64_t end) { kernels::values<kernels::gelu>(start, end, x, out); });
}

void ck_gelu_backward(int64_t count, const ck_bf16 *x, const ck_bf16 *gradient, ck_bf16 *out, int32_t threads) {
    inGrains(count, threads, [&](int64_t start, int64_t end) {
        kernels::gradients<kernels::geluSlope>(start, end, x, gradient, out);
    });
}

void ck_quick_gelu(int64_t count, const ck_bf16 *x, ck_bf16 *out, int32_t threads) {
    inGrains(
        count, threads, [&](int64_t start, int64_t end) { kernels::values<kernels::quickGelu>(start, end, x, out); });
}

void ck_quick_gelu_backward(int64_t count, const ck_bf16 *x, const ck_bf16 *gradient, ck_bf16 *out,
                            int32_t threads) {
    inGrains(count, threads, [&](int64_t start, int64_t end) {
        kernels::gradients<kernels::quickGeluSlope>(start, end, x, gradient, out);
    });
}
