// What exact search does for every pair of vectors.

#include "boundary.h"
#include "cfaiss.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

using cfaiss::guarded;
using cfaiss::require;

extern "C" void sgemm_(
    const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha,
    const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc);

namespace {

typedef float Float8 __attribute__((vector_size(32), aligned(4)));
typedef double Double8 __attribute__((vector_size(64), aligned(8)));

// Eight partial sums, added in a fixed tree. The vector types keep debug builds usable.
double dot(int64_t d, const float *a, const float *b) {
    Double8 s = {0, 0, 0, 0, 0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 8 <= d; i += 8) {
        const Double8 x = __builtin_convertvector(*reinterpret_cast<const Float8 *>(a + i), Double8);
        const Double8 y = __builtin_convertvector(*reinterpret_cast<const Float8 *>(b + i), Double8);
        s += x * y;
    }
    double sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    for (; i < d; i++) sum += double(a[i]) * double(b[i]);
    return sum;
}

} // namespace

CFaissStatus cf_inner_products(
    int64_t rows, int64_t columns, int64_t dimension, const float *a, const float *b, float *out) {
    return guarded([&] {
        constexpr int64_t limit = std::numeric_limits<int>::max();
        require(dimension > 0 && dimension <= limit, "the dimension is out of range");
        require(rows >= 0 && rows <= limit && columns >= 0 && columns <= limit, "too many rows for one product");
        if (rows == 0 || columns == 0) return;
        require(a && b && out, "no vectors, or no place for the products");
        // BLAS counts columns first: the row-major product A Bᵀ is its column-major B Aᵀ.
        const int m = int(columns), n = int(rows), k = int(dimension);
        const float one = 1, zero = 0;
        sgemm_("T", "N", &m, &n, &k, &one, b, &k, a, &k, &zero, out, &m);
    });
}

CFaissStatus cf_normalize(
    int64_t n, int64_t dimension, float *rows, double tolerance, int64_t *offending, double *length) {
    return guarded([&] {
        require(n >= 0 && dimension > 0 && (n == 0 || rows), "no rows to normalize");
        *offending = -1;
        *length = 1;
        for (int64_t i = 0; i < n; i++) {
            float *row = rows + i * dimension;
            const double norm = std::sqrt(dot(dimension, row, row));
            if (!(std::abs(norm - 1) <= tolerance)) { // written so that NaN fails
                *offending = i;
                *length = norm;
                return;
            }
            for (int64_t j = 0; j < dimension; j++) row[j] = float(row[j] / norm);
        }
    });
}

CFaissStatus cf_longest(int64_t n, int64_t dimension, const float *rows, int64_t *offending, double *length) {
    return guarded([&] {
        require(n >= 0 && dimension > 0 && (n == 0 || rows), "no rows to measure");
        *offending = -1;
        *length = 0;
        for (int64_t i = 0; i < n; i++) {
            // Squares of finite floats are finite in double, and so is the sum of as many as fit in memory.
            const double square = dot(dimension, rows + i * dimension, rows + i * dimension);
            if (!std::isfinite(square)) {
                *offending = i;
                return;
            }
            *length = std::max(*length, std::sqrt(square));
        }
    });
}

CFaissStatus cf_at_least(int64_t n, const float *scores, float threshold, int32_t *positions, int64_t *found) {
    return guarded([&] {
        require(n >= 0 && n <= std::numeric_limits<int32_t>::max(), "too many scores at once");
        require(n == 0 || (scores && positions), "no scores, or no place for the positions");
        int64_t count = 0, i = 0;
        // Almost nothing passes once the threshold stands: most groups are dismissed by one vectorised test.
        for (; i + 16 <= n; i += 16) {
            int any = 0;
            for (int64_t j = i; j < i + 16; j++) any |= scores[j] >= threshold;
            if (!any) continue;
            for (int64_t j = i; j < i + 16; j++) {
                if (scores[j] >= threshold) positions[count++] = int32_t(j);
            }
        }
        for (; i < n; i++) {
            if (scores[i] >= threshold) positions[count++] = int32_t(i);
        }
        *found = count;
    });
}

CFaissStatus cf_kth_largest(int64_t n, const float *scores, int64_t k, float *out) {
    return guarded([&] {
        require(scores && out && k >= 1 && k <= n, "there is no such score");
        thread_local std::vector<float> copy;
        copy.assign(scores, scores + n);
        std::nth_element(copy.begin(), copy.begin() + (k - 1), copy.end(), std::greater<float>());
        *out = copy[size_t(k - 1)];
    });
}

CFaissStatus cf_similarities(
    int64_t dimension, const float *query, const float *rows, int64_t n, const int32_t *positions, bool clamped,
    float *out) {
    return guarded([&] {
        require(dimension > 0 && n >= 0, "no vectors to compare");
        require(n == 0 || (query && rows && positions && out), "no vectors, or no place for the similarities");
        for (int64_t i = 0; i < n; i++) {
            const double s = dot(dimension, query, rows + int64_t(positions[i]) * dimension);
            out[i] = float(clamped ? std::clamp(s, -1.0, 1.0) : s);
        }
    });
}
