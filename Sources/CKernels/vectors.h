// Sixteen numbers at a time, in AVX-512. Included between KERNELS_BEGIN and KERNELS_END.
#pragma once

#include <immintrin.h>

#include <cstdint>

// Everything between these two is compiled for AVX-512 with BF16, whatever the rest of the program is built for.
#define KERNELS_BEGIN                                                                                             \
    _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma\"))), apply_to = function)")
#define KERNELS_END _Pragma("clang attribute pop")

KERNELS_BEGIN
namespace kernels {

using Floats = __m512;
constexpr int64_t lanes = 16;

inline __mmask16 first(int64_t count) { return count >= lanes ? __mmask16(0xffff) : __mmask16((1u << count) - 1); }

inline Floats load(const float *p) { return _mm512_loadu_ps(p); }
inline Floats load(const float *p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
inline void store(float *p, Floats x) { _mm512_storeu_ps(p, x); }
inline void store(float *p, Floats x, __mmask16 mask) { _mm512_mask_storeu_ps(p, mask, x); }

inline Floats widen(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline Floats load(const uint16_t *p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p))); }
inline Floats load(const uint16_t *p, __mmask16 mask) { return widen(_mm256_maskz_loadu_epi16(mask, p)); }
inline __m256i narrow(Floats x) { return __m256i(_mm512_cvtneps_pbh(x)); }
inline void store(uint16_t *p, Floats x) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), narrow(x)); }
inline void store(uint16_t *p, Floats x, __mmask16 mask) { _mm256_mask_storeu_epi16(p, mask, narrow(x)); }

// 2^x to 3e-6, which bf16 cannot tell from the truth. Below -149 it is zero, and NaN stays NaN: of two numbers one of
// which is none, min and max give the second.
inline Floats exp2(Floats given) {
    const Floats x = _mm512_max_ps(_mm512_set1_ps(-200), given);
    const Floats whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Floats part = _mm512_sub_ps(x, whole);
    Floats y = _mm512_set1_ps(9.5828524e-3f);
    y = _mm512_fmadd_ps(y, part, _mm512_set1_ps(5.5906426e-2f));
    y = _mm512_fmadd_ps(y, part, _mm512_set1_ps(2.4024099e-1f));
    y = _mm512_fmadd_ps(y, part, _mm512_set1_ps(6.9312419e-1f));
    y = _mm512_fmadd_ps(y, part, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(y, whole);
}

// 1 / x to fp32's precision but for the last bits, for finite x.
inline Floats reciprocal(Floats x) {
    const Floats y = _mm512_rcp14_ps(x);
    return _mm512_mul_ps(y, _mm512_fnmadd_ps(x, y, _mm512_set1_ps(2)));
}

constexpr float log2e = 1.44269504088896f;

inline Floats sigmoid(Floats x) {
    const Floats power = _mm512_min_ps(_mm512_set1_ps(126), _mm512_mul_ps(x, _mm512_set1_ps(-log2e)));
    return reciprocal(_mm512_add_ps(_mm512_set1_ps(1), exp2(power)));
}

}  // namespace kernels
KERNELS_END
