// What exact search is made of: rows rounded to bf16 with a bound on what that changes, their products with packed
// queries, and the inner product that results are made of.
#pragma once

#include <cmath>
#include <cstring>

#include "include/ckernels.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {

using Pair = uint32_t;  // two bf16 numbers, neighbours along the summed dimension

constexpr int64_t roundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Upper bounds for the length of a rounded row and of what rounding took from it.
struct Lengths {
    double kept = 0, lost = 0;

    void include(const Lengths &other) {
        kept = std::max(kept, other.kept);
        lost = std::max(lost, other.lost);
    }
};

// Rounds a row to bf16, with zeros up to `width`; false if a number is not finite.
inline bool roundRow(const float *in, int64_t dimension, uint16_t *out, int64_t width, Lengths *lengths) {
    Floats kept = _mm512_setzero_ps(), lost = kept;
    __mmask16 bad = 0;
    for (int64_t j = 0; j < width; j += lanes) {
        const __mmask16 mask = first(std::max<int64_t>(0, dimension - j));
        const Floats x = load(in + j, mask);
        bad |= _mm512_fpclass_ps_mask(x, 0x99);  // infinite, or not a number
        const __m256i bits = narrow(x);
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + j), bits);
        const Floats rounded = widen(bits), rest = _mm512_sub_ps(x, rounded);
        kept = _mm512_fmadd_ps(rounded, rounded, kept);
        lost = _mm512_fmadd_ps(rest, rest, lost);
    }
    // The sums have rounded, and squares of less than 1e-38 have vanished.
    const double slack = 1 + double(dimension + 64) * 0x1p-23, vanished = std::sqrt(double(dimension)) * 2e-19;
    lengths->kept = std::sqrt(double(_mm512_reduce_add_ps(kept))) * slack + vanished;
    lengths->lost = std::sqrt(double(_mm512_reduce_add_ps(lost))) * slack + vanished;
    return bad == 0;
}

// How far a product of rounded rows, summed in fp32 in any order, may be from the reported inner product of the rows
// as they are: Cauchy and Schwarz for what rounding took, a rounding of at most 2^-23 for each sum, products too
// small for fp32, and the rounding of the reported number itself.
inline double margin(int64_t dimension, const Lengths &query, const Lengths &row) {
    const double lengths = (query.kept + query.lost) * (row.kept + row.lost);
    return (query.lost * row.kept + (query.kept + query.lost) * row.lost + double(dimension + 32) * 0x1p-23 * lengths +
            double(dimension) * 0x1p-124) * 1.00001;
}

constexpr int tileRows = 6;       // 24 sums, four columns and one value fill the 32 registers
constexpr int panelRegisters = 4;  // sixteen queries each
constexpr int panelQueries = panelRegisters * lanes;

// scores[r][c] = the products of `tileRows` rows with 16 C queries, which are packed: for each pair along the summed
// dimension a row of queries. True if one of them is not below its query's limit; only then are they written.
template <int C>
inline bool scoreTile(const Pair *rows, int64_t stride, const Pair *panel, int64_t pairs, const float *limits, float *out) {
    Floats sums[tileRows][C];
    for (int r = 0; r < tileRows; r++)
        for (int c = 0; c < C; c++) sums[r][c] = _mm512_setzero_ps();
    for (int64_t k = 0; k < pairs; k++) {
        __m512bh columns[C];
        for (int c = 0; c < C; c++) columns[c] = __m512bh(_mm512_loadu_si512(panel + (k * C + c) * lanes));
        for (int r = 0; r < tileRows; r++) {
            const __m512bh value = __m512bh(_mm512_set1_epi32(int(rows[r * stride + k])));
            for (int c = 0; c < C; c++) sums[r][c] = _mm512_dpbf16_ps(sums[r][c], value, columns[c]);
        }
    }
    unsigned any = 0;
    for (int c = 0; c < C; c++) {
        const Floats limit = load(limits + c * lanes);
        // "Not less", so that what is not a number is looked at as well.
        for (int r = 0; r < tileRows; r++) any |= _mm512_cmp_ps_mask(sums[r][c], limit, _CMP_NLT_UQ);
    }
    if (any == 0) [[likely]] return false;
    for (int r = 0; r < tileRows; r++)
        for (int c = 0; c < C; c++) store(out + (r * C + c) * lanes, sums[r][c]);
    return true;
}

// <query, rows[i]> for N rows: eight partial sums in double, added in a fixed tree, as `cf_similarities` does. The
// products are exact in double, so fusing them with the addition changes nothing.
template <int N> inline void innerProducts(int64_t dimension, const float *query, const float *const *rows, double *out) {
    __m512d sums[N];
    for (int n = 0; n < N; n++) sums[n] = _mm512_setzero_pd();
    int64_t i = 0;
    for (; i + 8 <= dimension; i += 8) {
        const __m512d x = _mm512_cvtps_pd(_mm256_loadu_ps(query + i));
        for (int n = 0; n < N; n++)
            sums[n] = _mm512_fmadd_pd(x, _mm512_cvtps_pd(_mm256_loadu_ps(rows[n] + i)), sums[n]);
    }
    for (int n = 0; n < N; n++) {
        double s[8];
        _mm512_storeu_pd(s, sums[n]);
        out[n] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
        for (int64_t j = i; j < dimension; j++) out[n] += double(query[j]) * double(rows[n][j]);
    }
}

}  // namespace kernels
KERNELS_END
