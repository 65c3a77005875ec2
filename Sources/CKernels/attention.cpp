// Fused attention for bf16: two passes of small matrix products that stay in the second-level cache.
//
// One thread handles one head of one image. Products run on VDPBF16PS, which adds two products of bf16 pairs to an
// fp32 number: the left factor is broadcast pair by pair, the right one is packed so that a register holds one pair
// for each of sixteen columns.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "include/ckernels.h"
#include "parallel.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {
namespace {

using Pair = uint32_t;  // two bf16 numbers, neighbours along the summed dimension

constexpr int64_t roundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// The left factor: rows, and pairs along the summed dimension, at these distances.
struct Left {
    const Pair *start;
    int64_t row, pair;
};

// The right factor: for each pair along the summed dimension a row of columns, zero where there is no column.
struct Right {
    const Pair *start;
    int64_t stride, pairs;
};

// out[r, 0..<16 C] = left · right for R rows and C registers of columns.
template <int R, int C> inline void tile(const Left &left, const Right &right, float *out, int64_t stride) {
    Floats sums[R][C];
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) sums[r][c] = _mm512_setzero_ps();
    for (int64_t k = 0; k < right.pairs; k++) {
        __m512bh columns[C];
        for (int c = 0; c < C; c++)
            columns[c] = __m512bh(_mm512_loadu_si512(right.start + k * right.stride + c * lanes));
        for (int r = 0; r < R; r++) {
            const __m512bh value = __m512bh(_mm512_set1_epi32(int(left.start[r * left.row + k * left.pair])));
            for (int c = 0; c < C; c++) sums[r][c] = _mm512_dpbf16_ps(sums[r][c], value, columns[c]);
        }
    }
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) store(out + r * stride + c * lanes, sums[r][c]);
}

template <int R> inline void rows(const Left &left, Right right, int64_t columns, float *out, int64_t stride) {
    int64_t c = columns / lanes;
    for (; c >= 4; c -= 4, right.start += 4 * lanes, out += 4 * lanes) tile<R, 4>(left, right, out, stride);
    if (c == 3) tile<R, 3>(left, right, out, stride);
    if (c == 2) tile<R, 2>(left, right, out, stride);
    if (c == 1) tile<R, 1>(left, right, out, stride);
}

constexpr int64_t block = 6;  // rows of a tile: 24 sums, four columns and one value fill the 32 registers

// out = left · right for up to `block` rows; `columns` is a multiple of sixteen.
inline void product(int64_t count, const Left &left, const Right &right, int64_t columns, float *out, int64_t stride) {
    switch (count) {
    case 6: return rows<6>(left, right, columns, out, stride);
    case 5: return rows<5>(left, right, columns, out, stride);
    case 4: return rows<4>(left, right, columns, out, stride);
    case 3: return rows<3>(left, right, columns, out, stride);
    case 2: return rows<2>(left, right, columns, out, stride);
    default: return rows<1>(left, right, columns, out, stride);
    }
}

// One head's matrix in qkv or out: rows of `size` numbers at a distance.
struct Rows {
    const ck_bf16 *start;
    int64_t stride;
    const ck_bf16 *operator[](int64_t n) const { return start + n * stride; }
};

// Transposes a block of 16 × 16 pairs; rows from `count` on count as zero.
inline void transpose(const Pair *in, int64_t stride, int64_t count, __mmask16 mask, Pair *out, int64_t outStride) {
    __m512i a[16], b[16];
    for (int i = 0; i < 16; i++)
        a[i] = i < count ? _mm512_maskz_loadu_epi32(mask, in + i * stride) : _mm512_setzero_si512();
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            a[i + 2 * j] = _mm512_unpacklo_epi64(b[i + j], b[i + j + 2]);
            a[i + 2 * j + 1] = _mm512_unpackhi_epi64(b[i + j], b[i + j + 2]);
        }
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        a[i] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88);
        a[i + 8] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd);
    }
    for (int i = 0; i < 16; i++) _mm512_storeu_si512(out + i * outStride, a[i]);
}

// Packs a matrix whose rows are the columns of the right factor: pairs along its width.
inline void packAcross(const Rows &in, int64_t count, int64_t size, Pair *out, int64_t stride) {
    const int64_t pairs = size / 2;
    for (int64_t n = 0; n < stride; n += 16)
        for (int64_t k = 0; k < pairs; k += 16) {
            // The rows of `out` beyond the last pair are scratch.
            transpose(reinterpret_cast<const Pair *>(in[n] + 2 * k), in.stride / 2, count - n, first(pairs - k),
                      out + k * stride + n, stride);
        }
}

// Packs a matrix whose rows are summed over: pairs of rows, interleaved, with zeros beyond the last.
inline void packDown(const Rows &in, int64_t count, int64_t size, Pair *out, int64_t stride) {
    for (int64_t n = 0; n < count; n += 2)
        for (int64_t k = 0; k < stride; k += lanes) {
            const __mmask16 mask = first(std::max<int64_t>(0, size - k));
            const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, in[n] + k));
            const __m512i high =
                n + 1 < count ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, in[n + 1] + k))
                              : _mm512_setzero_si512();
            _mm512_storeu_si512(out + n / 2 * stride + k, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
        }
}

// Writes two rows of numbers as interleaved pairs.
inline void interleave(Floats low, Floats high, Pair *out) {
    const __m512i a = _mm512_cvtepu16_epi32(narrow(low)), b = _mm512_cvtepu16_epi32(narrow(high));
    _mm512_storeu_si512(out, _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
}

// How much memory a head's packed matrices take.
struct Sizes {
    int64_t tokens, queries, size, keys, width;  // `keys` and `width`: padded to whole registers

    explicit Sizes(const CKAttention &s)
        : tokens(s.tokens), queries(s.queries), size(s.size), keys(roundUp(s.tokens, lanes)), width(roundUp(s.size, lanes)) {}

    int64_t across() const { return roundUp(size / 2, 16) * keys; }  // pairs packed across
    int64_t down() const { return (tokens + 1) / 2 * width; }        // pairs packed down
    int64_t square() const { return (queries + 1) / 2 * keys; }      // a pair of queries for each key
};

// Where a head's queries, keys, values and results are.
struct Head {
    int64_t packed, plain;  // distances of neighbouring tokens in qkv and in out
    int64_t qkv, out, logs; // where it starts
    int64_t between;        // from queries to keys, from keys to values

    Head(const CKAttention &s, int64_t index)
        : packed(3 * s.heads * s.size), plain(s.heads * s.size),
          qkv(index / s.heads * s.tokens * packed + index % s.heads * s.size),
          out(index / s.heads * s.queries * plain + index % s.heads * s.size), logs(index * s.queries),
          between(s.heads * s.size) {}
};

inline void copyRows(const float *in, int64_t stride, int64_t count, int64_t size, ck_bf16 *out, int64_t outStride) {
    for (int64_t r = 0; r < count; r++)
        for (int64_t k = 0; k < size; k += lanes)
            store(out + r * outStride + k, load(in + r * stride + k), first(size - k));
}

// Turns a row of products into exponentials of their distance to the largest, in place as bf16, and returns what
// they add up to. `row` holds keys padded to whole registers.
inline float exponentials(float *row, int64_t tokens, int64_t keys, float scale, float *largest) {
    Floats top = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int64_t k = 0; k < tokens; k += lanes) {
        const __mmask16 mask = first(tokens - k);
        top = _mm512_mask_max_ps(top, mask, top, load(row + k));
    }
    *largest = _mm512_reduce_max_ps(top) * scale;
    const Floats factor = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-*largest);
    Floats sum = _mm512_setzero_ps();
    auto *out = reinterpret_cast<ck_bf16 *>(row);
    for (int64_t k = 0; k < keys; k += lanes) {
        const Floats value = _mm512_maskz_mov_ps(
            first(std::max<int64_t>(0, tokens - k)), exp2(_mm512_fmadd_ps(load(row + k), factor, shift)));
        sum = _mm512_add_ps(sum, value);
        store(out + k, value);
    }
    return _mm512_reduce_add_ps(sum);
}

void forward(const CKAttention &s, const ck_bf16 *qkv, ck_bf16 *out, float *logs, int64_t start, int64_t end) {
    const Sizes sizes(s);
    const auto [tokens, queries, size, keys, width] = sizes;
    std::vector<Pair> memory(sizes.across() + sizes.down());
    Pair *keysAcross = memory.data(), *valuesDown = keysAcross + sizes.across();
    std::vector<float> numbers(block * (keys + width));
    float *products = numbers.data(), *results = products + block * keys;
    const float scale = s.scale * log2e;
    for (int64_t index = start; index < end; index++) {
        const Head head(s, index);
        const Rows q{qkv + head.qkv, head.packed}, k{q.start + head.between, head.packed},
            v{k.start + head.between, head.packed};
        packAcross(k, tokens, size, keysAcross, keys);
        packDown(v, tokens, size, valuesDown, width);
        for (int64_t n = 0; n < queries; n += block) {
            const int64_t count = std::min(block, queries - n);
            product(count, Left{reinterpret_cast<const Pair *>(q[n]), head.packed / 2, 1},
                    Right{keysAcross, keys, size / 2}, keys, products, keys);
            float inverse[block];
            for (int64_t r = 0; r < count; r++) {
                float largest;
                const float sum = exponentials(products + r * keys, tokens, keys, scale, &largest);
                inverse[r] = 1 / sum;
                if (logs) logs[head.logs + n + r] = largest + std::log2(sum);
            }
            // The exponentials of a row lie where its products were: half as wide, at the same distance.
            product(count, Left{reinterpret_cast<const Pair *>(products), keys, 1},
                    Right{valuesDown, width, (tokens + 1) / 2}, width, results, width);
            for (int64_t r = 0; r < count; r++)
                for (int64_t k = 0; k < width; k += lanes)
                    store(results + r * width + k, _mm512_mul_ps(load(results + r * width + k), _mm512_set1_ps(inverse[r])));
            copyRows(results, width, count, size, out + head.out + n * head.plain, head.plain);
        }
    }
}

void backward(const CKAttention &s, const ck_bf16 *qkv, const ck_bf16 *out, const float *logs,
              const ck_bf16 *outGradient, ck_bf16 *qkvGradient, int64_t start, int64_t end) {
    const Sizes sizes(s);
    const auto [tokens, queries, size, keys, width] = sizes;
    std::vector<Pair> memory(2 * sizes.across() + 3 * sizes.down() + 2 * sizes.square());
    Pair *keysAcross = memory.data(), *valuesAcross = keysAcross + sizes.across();
    Pair *keysDown = valuesAcross + sizes.across(), *queriesDown = keysDown + sizes.down();
    Pair *gradientsDown = queriesDown + sizes.down();
    Pair *probabilities = gradientsDown + sizes.down(), *slopes = probabilities + sizes.square();
    std::vector<float> numbers(block * (3 * keys + width) + tokens);
    float *products = numbers.data(), *answers = products + block * keys, *results = answers + block * keys;
    auto *rowSlopes = reinterpret_cast<ck_bf16 *>(results + block * width);
    const int64_t keyPairs = (tokens + 1) / 2, queryPairs = (queries + 1) / 2;
    const Floats factor = _mm512_set1_ps(s.scale * log2e), scale = _mm512_set1_ps(s.scale);
    for (int64_t index = start; index < end; index++) {
        const Head head(s, index);
        const Rows q{qkv + head.qkv, head.packed}, k{q.start + head.between, head.packed},
            v{k.start + head.between, head.packed};
        const Rows o{out + head.out, head.plain}, g{outGradient + head.out, head.plain};
        ck_bf16 *dq = qkvGradient + head.qkv, *dk = dq + head.between, *dv = dk + head.between;
        packAcross(k, tokens, size, keysAcross, keys);
        packAcross(v, tokens, size, valuesAcross, keys);
        packDown(k, tokens, size, keysDown, width);
        packDown(q, queries, size, queriesDown, width);
        packDown(g, queries, size, gradientsDown, width);
        for (int64_t n = 0; n < queries; n += block) {
            const int64_t count = std::min(block, queries - n);
            product(count, Left{reinterpret_cast<const Pair *>(q[n]), head.packed / 2, 1},
                    Right{keysAcross, keys, size / 2}, keys, products, keys);
            product(count, Left{reinterpret_cast<const Pair *>(g[n]), head.plain / 2, 1},
                    Right{valuesAcross, keys, size / 2}, keys, answers, keys);
            for (int64_t r = 0; r < count; r += 2) {
                Floats deltas[2], shifts[2];
                for (int i = 0; i < 2; i++) {
                    const int64_t row = std::min(n + r + i, queries - 1);
                    Floats delta = _mm512_setzero_ps();
                    for (int64_t j = 0; j < size; j += lanes) {
                        const __mmask16 mask = first(size - j);
                        delta = _mm512_fmadd_ps(load(o[row] + j, mask), load(g[row] + j, mask), delta);
                    }
                    deltas[i] = _mm512_set1_ps(_mm512_reduce_add_ps(delta));
                    shifts[i] = _mm512_set1_ps(-logs[head.logs + row]);
                }
                const bool both = r + 1 < count;
                Pair *p = probabilities + (n + r) / 2 * keys, *ds = slopes + (n + r) / 2 * keys;
                for (int64_t j = 0; j < keys; j += lanes) {
                    const __mmask16 mask = first(std::max<int64_t>(0, tokens - j));
                    Floats chance[2], slope[2];
                    for (int i = 0; i < 2; i++) {
                        if (i == 1 && !both) {
                            chance[1] = slope[1] = _mm512_setzero_ps();
                            continue;
                        }
                        const int64_t at = (r + i) * keys + j;
                        chance[i] = _mm512_maskz_mov_ps(
                            mask, exp2(_mm512_fmadd_ps(load(products + at), factor, shifts[i])));
                        slope[i] = _mm512_mul_ps(
                            _mm512_mul_ps(chance[i], scale), _mm512_sub_ps(load(answers + at), deltas[i]));
                        store(rowSlopes + at, slope[i]);
                    }
                    interleave(chance[0], chance[1], p + j);
                    interleave(slope[0], slope[1], ds + j);
                }
            }
            product(count, Left{reinterpret_cast<const Pair *>(rowSlopes), keys / 2, 1},
                    Right{keysDown, width, keyPairs}, width, results, width);
            copyRows(results, width, count, size, dq + n * head.packed, head.packed);
        }
        for (int64_t n = queries; n < tokens; n++) std::memset(dq + n * head.packed, 0, size_t(size) * sizeof(*dq));
        for (int64_t n = 0; n < tokens; n += block) {
            const int64_t count = std::min(block, tokens - n);
            product(count, Left{probabilities + n, 1, keys}, Right{gradientsDown, width, queryPairs}, width, results, width);
            copyRows(results, width, count, size, dv + n * head.packed, head.packed);
            product(count, Left{slopes + n, 1, keys}, Right{queriesDown, width, queryPairs}, width, results, width);
            copyRows(results, width, count, size, dk + n * head.packed, head.packed);
        }
    }
}

}  // namespace
}  // namespace kernels
KERNELS_END

void ck_attention(const CKAttention *shape, const ck_bf16 *qkv, ck_bf16 *out, float *logs) {
    kernels::shares(shape->batch * shape->heads, shape->threads, [&](int64_t start, int64_t end) {
        kernels::forward(*shape, qkv, out, logs, start, end);
    });
}

void ck_attention_backward(const CKAttention *shape, const ck_bf16 *qkv, const ck_bf16 *out, const float *logs,
                           const ck_bf16 *out_gradient, ck_bf16 *qkv_gradient) {
    kernels::shares(shape->batch * shape->heads, shape->threads, [&](int64_t start, int64_t end) {
        kernels::backward(*shape, qkv, out, logs, out_gradient, qkv_gradient, start, end);
    });
}
