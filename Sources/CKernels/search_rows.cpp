// What happens to rows before they are compared: reading, widening of stored halves, and scaling to unit length.
#include <unistd.h>

#include <atomic>
#include <cerrno>
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

namespace {

// 0, the system's number of an error, or -1 where the file ends too early.
int32_t readAll(int32_t file, int64_t offset, int64_t bytes, void *to) {
    for (int64_t done = 0; done < bytes;) {
        const ssize_t count = pread(file, static_cast<char *>(to) + done, size_t(bytes - done), offset + done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count == 0 ? -1 : errno;
        done += count;
    }
    return 0;
}

}  // namespace

int32_t ck_read_numbers(int32_t file, int64_t offset, int64_t count, bool halves, float *out, int32_t threads) {
    constexpr int64_t some = 1 << 15;  // numbers that are still in the cache when they are widened
    std::atomic<int32_t> failure{0};
    kernels::shares((count + some - 1) / some, threads, [&](int64_t start, int64_t end) {
        alignas(64) static thread_local uint16_t scratch[some];
        for (int64_t at = start * some; at < std::min(count, end * some); at += some) {
            const int64_t n = std::min(some, count - at);
            const int32_t status = halves ? readAll(file, offset + 2 * at, 2 * n, scratch)
                                          : readAll(file, offset + 4 * at, 4 * n, out + at);
            if (status != 0) {
                failure = status;
                return;
            }
            if (halves) kernels::widenHalves(0, n, scratch, out + at);
        }
    });
    return failure;
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
