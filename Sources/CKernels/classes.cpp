// The most probable class of every pixel, in one pass over the logits.
#include <atomic>
#include <limits>

#include "include/ckernels.h"
#include "parallel.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {
namespace {

constexpr int64_t wide = 4;             // registers of places that are worked on at a time
constexpr int64_t some = wide * lanes;  // places of a piece
constexpr int64_t grain = 64 * some;    // places in a share's unit

// Places start..<end of one image; whether all of their logits are finite.
bool mostProbable(const CKClasses &shape, const float *logits, int64_t start, int64_t end, float *numbers,
                  float *largest) {
    Floats spoilt = _mm512_setzero_ps();
    for (int64_t at = start; at < end; at += some) {
        Floats best[wide], number[wide], sum[wide];
        __mmask16 masks[wide];
        for (int64_t i = 0; i < wide; i++) {
            masks[i] = first(std::max<int64_t>(0, end - at - i * lanes));
            best[i] = load(logits + at + i * lanes, masks[i]);
            number[i] = sum[i] = _mm512_setzero_ps();
        }
        for (int64_t c = 0; c < shape.classes; c++) {
            const float *row = logits + c * shape.area + at;
            for (int64_t i = 0; i < wide; i++) {
                const Floats x = load(row + i * lanes, masks[i]);
                // Zero, but for what is not finite.
                spoilt = _mm512_add_ps(spoilt, _mm512_sub_ps(x, x));
                const __mmask16 isLarger = _mm512_cmp_ps_mask(x, best[i], _CMP_GT_OQ);
                best[i] = _mm512_mask_mov_ps(best[i], isLarger, x);
                number[i] = _mm512_mask_mov_ps(number[i], isLarger, _mm512_set1_ps(float(c)));
            }
        }
        for (int64_t c = 0; c < shape.classes; c++) {
            const float *row = logits + c * shape.area + at;
            for (int64_t i = 0; i < wide; i++) {
                const Floats below = _mm512_sub_ps(load(row + i * lanes, masks[i]), best[i]);
                sum[i] = _mm512_add_ps(sum[i], exp2(_mm512_mul_ps(below, _mm512_set1_ps(log2e))));
            }
        }
        for (int64_t i = 0; i < wide; i++) {
            store(numbers + at + i * lanes, number[i], masks[i]);
            store(largest + at + i * lanes, _mm512_div_ps(_mm512_set1_ps(1), sum[i]), masks[i]);
        }
    }
    return _mm512_cmp_ps_mask(spoilt, _mm512_setzero_ps(), _CMP_EQ_OQ) == 0xffff;
}

}  // namespace
}  // namespace kernels
KERNELS_END

void ck_classes(const CKClasses *shape, const float *logits, float *numbers, float *largest) {
    const int64_t grain = kernels::grain, units = (shape->area + grain - 1) / grain;
    std::vector<std::atomic<bool>> spoilt(static_cast<size_t>(shape->images));
    kernels::shares(shape->images * units, shape->threads, [&](int64_t start, int64_t end) {
        for (int64_t unit = start; unit < end; unit++) {
            const int64_t image = unit / units, at = unit % units * grain;
            if (!kernels::mostProbable(*shape, logits + image * shape->classes * shape->area, at,
                                       std::min(shape->area, at + grain), numbers + image * shape->area,
                                       largest + image * shape->area))
                spoilt[static_cast<size_t>(image)].store(true, std::memory_order_relaxed);
        }
    });
    for (int64_t image = 0; image < shape->images; image++)
        if (spoilt[static_cast<size_t>(image)].load())
            std::fill_n(largest + image * shape->area, shape->area, std::numeric_limits<float>::quiet_NaN());
}
