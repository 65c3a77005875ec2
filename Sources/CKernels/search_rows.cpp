// What happens to rows before they are compared: widening of stored halves, and scaling to unit length.
#include <atomic>
#include <limits>

#include "parallel.h"
#include "search.h"

KERNELS_BEGIN
namespace kernels {
namespace {

void widenHalves(int64_t start, int64_t end, const uint16_t *halves, float *out) {
    int64_t i = start;
    for (; i + lanes <= end; i += lanes)
        store(out + i, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(halves + i))));
    if (i == end) return;
    const __mmask16 mask = first(end - i);
    store(out + i, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, halves + i)), mask);
}

// The length is `cf_normalize`'s to the bit, and so is the division.
double scaleRow(int64_t dimension, float *row, double tolerance) {
    double square;
    const float *rows[1] = {row};
    innerProducts<1>(dimension, row, rows, &square);
    const double length = std::sqrt(square);
    if (!(std::abs(length - 1) <= tolerance)) return length;  // written so that NaN fails
    const __m512d divisor = _mm512_set1_pd(length);
    int64_t i = 0;
    for (; i + 8 <= dimension; i += 8) {
        const __m512d x = _mm512_cvtps_pd(_mm256_loadu_ps(row + i));
        _mm256_storeu_ps(row + i, _mm512_cvtpd_ps(_mm512_div_pd(x, divisor)));
    }
    for (; i < dimension; i++) row[i] = float(row[i] / length);
    return length;
}

}  // namespace
}  // namespace kernels
KERNELS_END

void ck_widen_halves(int64_t count, const uint16_t *halves, float *out, int32_t threads) {
    constexpr int64_t some = 1 << 15;  // a share must be worth waking a thread for
    kernels::shares((count + some - 1) / some, threads, [&](int64_t start, int64_t end) {
        kernels::widenHalves(start * some, std::min(count, end * some), halves, out);
    });
}

void ck_unit_rows(int64_t count, int64_t dimension, float *rows, double tolerance, int64_t *offending, double *length,
                  int32_t threads) {
    std::atomic<int64_t> bad{std::numeric_limits<int64_t>::max()};
    const auto isBad = [&](double length) { return !(std::abs(length - 1) <= tolerance); };
    kernels::shares(count, threads, [&](int64_t start, int64_t end) {
        for (int64_t row = start; row < end; row++) {
            if (!isBad(kernels::scaleRow(dimension, rows + row * dimension, tolerance))) continue;
            int64_t known = bad.load();
            while (row < known && !bad.compare_exchange_weak(known, row)) {}
            return;
        }
    });
    *offending = -1;
    *length = 1;
    if (bad == std::numeric_limits<int64_t>::max()) return;
    *offending = bad;
    // A row that was refused is as it was.
    *length = kernels::scaleRow(dimension, rows + bad * dimension, tolerance);
}
