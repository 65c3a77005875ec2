// Batch normalisation over channels that lie innermost in memory, with the activation after it.
#include "include/ckernels.h"
#include "parallel.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {
namespace {

// An activation and its slope, of a number before it.
struct Identity {
    static Floats value(Floats x) { return x; }
    static Floats slope(Floats, Floats g) { return g; }
};
struct ReLU {
    static Floats value(Floats x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
    static Floats slope(Floats x, Floats g) {
        return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ), g);
    }
};
struct ReLU6 {
    static Floats value(Floats x) { return _mm512_min_ps(_mm512_set1_ps(6), _mm512_max_ps(_mm512_setzero_ps(), x)); }
    static Floats slope(Floats x, Floats g) {
        const __mmask16 inside = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ);
        return _mm512_maskz_mov_ps(_mm512_mask_cmp_ps_mask(inside, x, _mm512_set1_ps(6), _CMP_NGE_UQ), g);
    }
};
struct HardSwish {
    // relu6(x + 3) / 6
    static Floats gate(Floats x) {
        return _mm512_mul_ps(ReLU6::value(_mm512_add_ps(x, _mm512_set1_ps(3))), _mm512_set1_ps(1.0f / 6));
    }
    static Floats value(Floats x) { return _mm512_mul_ps(x, gate(x)); }
    static Floats slope(Floats x, Floats g) {
        const Floats third = _mm512_mul_ps(x, _mm512_set1_ps(1.0f / 6));
        const __mmask16 below = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-3), _CMP_GT_OQ);
        const __mmask16 inside = _mm512_mask_cmp_ps_mask(below, x, _mm512_set1_ps(3), _CMP_LT_OQ);
        return _mm512_mul_ps(g, _mm512_mask_add_ps(gate(x), inside, gate(x), third));
    }
};
struct SiLU {
    static Floats value(Floats x) { return _mm512_mul_ps(x, sigmoid(x)); }
    static Floats slope(Floats x, Floats g) {
        const Floats s = sigmoid(x);
        return _mm512_mul_ps(g, _mm512_fmadd_ps(_mm512_mul_ps(x, s), _mm512_sub_ps(_mm512_set1_ps(1), s), s));
    }
};

constexpr int64_t wide = 4;  // registers of channels that are worked on at a time

// The sums of distances from a pivot, and of their squares: a pivot near the mean keeps the digits.
template <class T>
void moments(const T *x, const T *pivot, int64_t channels, int64_t start, int64_t end, float *sums, float *squares) {
    for (int64_t c = 0; c < channels; c += wide * lanes) {
        const int64_t count = std::min(wide, (channels - c + lanes - 1) / lanes);
        Floats total[wide], square[wide], middle[wide];
        __mmask16 mask[wide];
        for (int64_t i = 0; i < wide; i++) {
            total[i] = square[i] = _mm512_setzero_ps();
            mask[i] = first(std::max<int64_t>(0, channels - c - i * lanes));
            middle[i] = load(pivot + c + i * lanes, mask[i]);
        }
        for (int64_t row = start; row < end; row++)
            for (int64_t i = 0; i < count; i++) {
                const Floats apart = _mm512_sub_ps(load(x + row * channels + c + i * lanes, mask[i]), middle[i]);
                total[i] = _mm512_add_ps(total[i], apart);
                square[i] = _mm512_fmadd_ps(apart, apart, square[i]);
            }
        for (int64_t i = 0; i < count; i++) {
            store(sums + c + i * lanes, total[i], mask[i]);
            store(squares + c + i * lanes, square[i], mask[i]);
        }
    }
}

// The affine map before the activation: x · scale + shift.
struct Affine {
    std::vector<float> scale, shift;

    Affine(int64_t channels, const float *mean, const float *inverse, const float *weight, const float *bias)
        : scale(size_t(channels)), shift(size_t(channels)) {
        for (int64_t c = 0; c < channels; c++) {
            scale[size_t(c)] = inverse[c] * weight[c];
            shift[size_t(c)] = bias[c] - mean[c] * scale[size_t(c)];
        }
    }
};

template <class T, class Activation>
void normalise(const T *x, const Affine &map, int64_t channels, int64_t start, int64_t end, T *out) {
    for (int64_t row = start; row < end; row++)
        for (int64_t c = 0; c < channels; c += lanes) {
            const __mmask16 mask = first(channels - c);
            const Floats z = _mm512_fmadd_ps(
                load(x + row * channels + c, mask), load(&map.scale[size_t(c)], mask), load(&map.shift[size_t(c)], mask));
            store(out + row * channels + c, Activation::value(z), mask);
        }
}

// The sums of gradients before the activation, and of their products with x − mean.
template <class T, class Activation>
void slopes(const T *x, const T *gradient, const float *mean, const Affine &map, int64_t channels, int64_t start,
            int64_t end, float *sums, float *products) {
    for (int64_t c = 0; c < channels; c += wide * lanes) {
        const int64_t count = std::min(wide, (channels - c + lanes - 1) / lanes);
        Floats total[wide], product[wide], scale[wide], shift[wide], middle[wide];
        __mmask16 mask[wide];
        for (int64_t i = 0; i < wide; i++) {
            const int64_t at = c + i * lanes;
            mask[i] = first(std::max<int64_t>(0, channels - at));
            total[i] = product[i] = _mm512_setzero_ps();
            if (i >= count) continue;
            scale[i] = load(&map.scale[size_t(at)], mask[i]);
            shift[i] = load(&map.shift[size_t(at)], mask[i]);
            middle[i] = load(mean + at, mask[i]);
        }
        for (int64_t row = start; row < end; row++)
            for (int64_t i = 0; i < count; i++) {
                const int64_t at = row * channels + c + i * lanes;
                const Floats value = load(x + at, mask[i]);
                const Floats g =
                    Activation::slope(_mm512_fmadd_ps(value, scale[i], shift[i]), load(gradient + at, mask[i]));
                total[i] = _mm512_add_ps(total[i], g);
                product[i] = _mm512_fmadd_ps(g, _mm512_sub_ps(value, middle[i]), product[i]);
            }
        for (int64_t i = 0; i < count; i++) {
            store(sums + c + i * lanes, total[i], mask[i]);
            store(products + c + i * lanes, product[i], mask[i]);
        }
    }
}

// The gradient of x: scale · g + along · x + level, with what the statistics' own gradients amount to.
template <class T, class Activation>
void spread(const T *x, const T *gradient, const Affine &map, const float *along, const float *level,
            int64_t channels, int64_t start, int64_t end, T *out) {
    for (int64_t row = start; row < end; row++)
        for (int64_t c = 0; c < channels; c += lanes) {
            const __mmask16 mask = first(channels - c);
            const int64_t at = row * channels + c;
            const Floats value = load(x + at, mask), scale = load(&map.scale[size_t(c)], mask);
            const Floats z = _mm512_fmadd_ps(value, scale, load(&map.shift[size_t(c)], mask));
            const Floats g = Activation::slope(z, load(gradient + at, mask));
            const Floats rest = _mm512_fmadd_ps(value, load(along + c, mask), load(level + c, mask));
            store(out + at, _mm512_fmadd_ps(g, scale, rest), mask);
        }
}

}  // namespace
}  // namespace kernels
KERNELS_END

namespace {

using kernels::Affine;

// Calls `work` with the type of numbers and the activation that a shape names.
template <class Work> void dispatch(const CKBatchNorm &s, Work &&work) {
    const auto with = [&](auto activation) {
        if (s.reduced) work(ck_bf16(), activation);
        else work(float(), activation);
    };
    switch (s.activation) {
    case CK_RELU: return with(kernels::ReLU());
    case CK_RELU6: return with(kernels::ReLU6());
    case CK_HARDSWISH: return with(kernels::HardSwish());
    case CK_SILU: return with(kernels::SiLU());
    default: return with(kernels::Identity());
    }
}

}  // namespace

void ck_batch_statistics(const CKBatchNorm *s, const void *x, float *mean, float *variance) {
    const int64_t channels = s->channels;
    float *const outputs[] = {mean, variance};
    const auto run = [&](auto type) {
        using T = decltype(type);
        const T *values = static_cast<const T *>(x);
        kernels::sumOverRows(s->rows, kernels::piece, channels, outputs, 2, s->threads,
                             [&](int64_t start, int64_t end, float *sums) {
                                 kernels::moments(values, values, channels, start, end, sums, sums + channels);
                             });
        for (int64_t c = 0; c < channels; c++) {
            float pivot;
            if constexpr (sizeof(T) == 2) {
                const uint32_t bits = uint32_t(values[c]) << 16;
                __builtin_memcpy(&pivot, &bits, sizeof pivot);
            } else {
                pivot = values[c];
            }
            const double apart = double(mean[c]) / double(s->rows);
            variance[c] = float(std::max(0.0, double(variance[c]) / double(s->rows) - apart * apart));
            mean[c] = float(double(pivot) + apart);
        }
    };
    if (s->reduced) run(ck_bf16());
    else run(float());
}

void ck_batch_norm(const CKBatchNorm *s, const void *x, const float *mean, const float *inverse,
                   const float *weight, const float *bias, void *out) {
    const Affine map(s->channels, mean, inverse, weight, bias);
    dispatch(*s, [&](auto type, auto activation) {
        using T = decltype(type);
        using A = decltype(activation);
        kernels::shares(s->rows, s->threads, [&](int64_t start, int64_t end) {
            kernels::normalise<T, A>(static_cast<const T *>(x), map, s->channels, start, end, static_cast<T *>(out));
        });
    });
}

void ck_batch_norm_backward(const CKBatchNorm *s, const void *x, const void *gradient, const float *mean,
                            const float *inverse, const float *weight, const float *bias, void *x_gradient,
                            float *weight_gradient, float *bias_gradient) {
    const int64_t channels = s->channels;
    const Affine map(channels, mean, inverse, weight, bias);
    float *const outputs[] = {bias_gradient, weight_gradient};
    dispatch(*s, [&](auto type, auto activation) {
        using T = decltype(type);
        using A = decltype(activation);
        const T *values = static_cast<const T *>(x), *slopes = static_cast<const T *>(gradient);
        kernels::sumOverRows(
            s->rows, kernels::piece, channels, outputs, 2, s->threads, [&](int64_t start, int64_t end, float *sums) {
                kernels::slopes<T, A>(values, slopes, mean, map, channels, start, end, sums, sums + channels);
            });
        std::vector<float> along(size_t(channels), 0), level(size_t(channels), 0);
        for (int64_t c = 0; c < channels; c++) {
            weight_gradient[c] *= inverse[c];
            if (s->fixed) continue;
            const double scale = double(map.scale[size_t(c)]) / double(s->rows);
            const double slope = -scale * double(inverse[c]) * double(weight_gradient[c]);
            along[size_t(c)] = float(slope);
            level[size_t(c)] = float(-scale * double(bias_gradient[c]) - slope * double(mean[c]));
        }
        kernels::shares(s->rows, s->threads, [&](int64_t start, int64_t end) {
            kernels::spread<T, A>(values, slopes, map, along.data(), level.data(), channels, start, end,
                                  static_cast<T *>(x_gradient));
        });
    });
}
