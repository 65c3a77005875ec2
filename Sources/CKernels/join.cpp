// Residual addition and layer normalisation in one pass over memory, forward and backward; and column sums.
#include <cmath>

#include "include/ckernels.h"
#include "parallel.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {
namespace {

struct Forward {
    const CKJoin &s;
    const float *stream;
    const ck_bf16 *branch;
    const float *scale, *factors, *weight, *bias;
    float *sum;
    ck_bf16 *normed;
    float *mean, *inverse;

    void rows(int64_t start, int64_t end) const {
        for (int64_t row = start; row < end; row++) {
            const int64_t at = row * s.width;
            const float *values = branch ? join(row, at) : stream + at;
            normalise(row, values, normed + at);
        }
    }

    const float *join(int64_t row, int64_t at) const {
        const Floats factor = _mm512_set1_ps(factors ? factors[row / s.rows_per_factor] : 1);
        for (int64_t j = 0; j < s.width; j += lanes) {
            const __mmask16 mask = first(s.width - j);
            Floats addend = _mm512_mul_ps(load(branch + at + j, mask), factor);
            if (scale) addend = _mm512_mul_ps(addend, load(scale + j, mask));
            store(sum + at + j, _mm512_add_ps(load(stream + at + j, mask), addend), mask);
        }
        return sum + at;
    }

    void normalise(int64_t row, const float *values, ck_bf16 *out) const {
        Floats total = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
        for (int64_t j = 0; j < s.width; j += lanes) total = _mm512_add_ps(total, load(values + j, first(s.width - j)));
        const float centre = _mm512_reduce_add_ps(total) / float(s.width);
        const Floats middle = _mm512_set1_ps(centre);
        for (int64_t j = 0; j < s.width; j += lanes) {
            const __mmask16 mask = first(s.width - j);
            const Floats apart = _mm512_maskz_sub_ps(mask, load(values + j, mask), middle);
            squares = _mm512_fmadd_ps(apart, apart, squares);
        }
        const float scale = 1 / std::sqrt(_mm512_reduce_add_ps(squares) / float(s.width) + s.epsilon);
        const Floats factor = _mm512_set1_ps(scale);
        for (int64_t j = 0; j < s.width; j += lanes) {
            const __mmask16 mask = first(s.width - j);
            const Floats unit = _mm512_mul_ps(_mm512_sub_ps(load(values + j, mask), middle), factor);
            store(out + j, _mm512_fmadd_ps(unit, load(weight + j, mask), load(bias + j, mask)), mask);
        }
        if (mean) mean[row] = centre;
        if (inverse) inverse[row] = scale;
    }
};

struct Backward {
    const CKJoin &s;
    const float *sum;
    const ck_bf16 *branch;
    const float *scale, *factors, *weight, *mean, *inverse, *sumGradient;
    const ck_bf16 *normedGradient;
    float *streamGradient;
    ck_bf16 *branchGradient;

    // Adds a piece's share of the parameters' gradients to `ofWeight`, `ofBias` and `ofScale`, which start at zero.
    void rows(int64_t start, int64_t end, float *ofWeight, float *ofBias, float *ofScale) const {
        const float share = 1 / float(s.width);
        for (int64_t row = start; row < end; row++) {
            const int64_t at = row * s.width;
            const Floats middle = _mm512_set1_ps(mean[row]), deviation = _mm512_set1_ps(inverse[row]);
            Floats total = _mm512_setzero_ps(), along = _mm512_setzero_ps();
            for (int64_t j = 0; j < s.width; j += lanes) {
                const __mmask16 mask = first(s.width - j);
                const Floats g = load(normedGradient + at + j, mask);
                const Floats unit =
                    _mm512_maskz_mul_ps(mask, _mm512_sub_ps(load(sum + at + j, mask), middle), deviation);
                store(ofWeight + j, _mm512_fmadd_ps(g, unit, load(ofWeight + j, mask)), mask);
                store(ofBias + j, _mm512_add_ps(g, load(ofBias + j, mask)), mask);
                const Floats weighted = _mm512_mul_ps(g, load(weight + j, mask));
                total = _mm512_add_ps(total, weighted);
                along = _mm512_fmadd_ps(weighted, unit, along);
            }
            const Floats level = _mm512_set1_ps(_mm512_reduce_add_ps(total) * share);
            const Floats slope = _mm512_set1_ps(_mm512_reduce_add_ps(along) * share);
            const Floats factor = _mm512_set1_ps(factors ? factors[row / s.rows_per_factor] : 1);
            for (int64_t j = 0; j < s.width; j += lanes) {
                const __mmask16 mask = first(s.width - j);
                const Floats unit = _mm512_mul_ps(_mm512_sub_ps(load(sum + at + j, mask), middle), deviation);
                const Floats weighted = _mm512_mul_ps(load(normedGradient + at + j, mask), load(weight + j, mask));
                const Floats inner = _mm512_fnmadd_ps(unit, slope, _mm512_sub_ps(weighted, level));
                Floats g = _mm512_mul_ps(inner, deviation);
                if (sumGradient) g = _mm512_add_ps(g, load(sumGradient + at + j, mask));
                store(streamGradient + at + j, g, mask);
                if (!branch) continue;
                g = _mm512_mul_ps(g, factor);
                if (scale) {
                    store(ofScale + j, _mm512_fmadd_ps(g, load(branch + at + j, mask), load(ofScale + j, mask)), mask);
                    g = _mm512_mul_ps(g, load(scale + j, mask));
                }
                store(branchGradient + at + j, g, mask);
            }
        }
    }
};

// Adds rows of bf16 numbers to sums that start at zero.
void addRows(int64_t start, int64_t end, int64_t columns, const ck_bf16 *x, float *sums) {
    constexpr int64_t wide = 8;  // registers of columns that are summed at a time
    for (int64_t j = 0; j < columns; j += wide * lanes) {
        const int64_t count = std::min(wide, (columns - j + lanes - 1) / lanes);
        Floats totals[wide];
        for (int64_t i = 0; i < wide; i++) totals[i] = _mm512_setzero_ps();
        if (count == wide && j + wide * lanes <= columns) {
            for (int64_t row = start; row < end; row++)
                for (int64_t i = 0; i < wide; i++)
                    totals[i] = _mm512_add_ps(totals[i], load(x + row * columns + j + i * lanes));
        } else {
            for (int64_t row = start; row < end; row++)
                for (int64_t i = 0; i < count; i++) {
                    const int64_t at = j + i * lanes;
                    totals[i] = _mm512_add_ps(totals[i], load(x + row * columns + at, first(columns - at)));
                }
        }
        for (int64_t i = 0; i < count; i++) store(sums + j + i * lanes, totals[i], first(columns - j - i * lanes));
    }
}

}  // namespace
}  // namespace kernels
KERNELS_END

void ck_join(const CKJoin *shape, const float *stream, const ck_bf16 *branch, const float *scale,
             const float *factors, const float *weight, const float *bias, float *sum, ck_bf16 *normed, float *mean,
             float *inverse) {
    const kernels::Forward work{*shape, stream, branch, scale, factors, weight, bias, sum, normed, mean, inverse};
    kernels::shares(shape->rows, shape->threads, [&](int64_t start, int64_t end) { work.rows(start, end); });
}

void ck_join_backward(const CKJoin *shape, const float *sum, const ck_bf16 *branch, const float *scale,
                      const float *factors, const float *weight, const float *mean, const float *inverse,
                      const float *sum_gradient, const ck_bf16 *normed_gradient, float *stream_gradient,
                      ck_bf16 *branch_gradient, float *weight_gradient, float *bias_gradient,
                      float *scale_gradient) {
    const kernels::Backward work{*shape,  sum,          branch,          scale,           factors,        weight, mean,
                                 inverse, sum_gradient, normed_gradient, stream_gradient, branch_gradient};
    float *const outputs[] = {weight_gradient, bias_gradient, scale_gradient};
    const int64_t width = shape->width;
    kernels::sumOverRows(shape->rows, kernels::piece, width, outputs, 3, shape->threads, [&](int64_t start, int64_t end, float *sums) {
        work.rows(start, end, sums, sums + width, sums + 2 * width);
    });
}

void ck_column_sums(int64_t rows, int64_t columns, const ck_bf16 *x, float *out, int32_t threads) {
    kernels::sumOverRows(rows, kernels::piece, columns, &out, 1, threads, [&](int64_t start, int64_t end, float *sums) {
        kernels::addRows(start, end, columns, x, sums);
    });
}
