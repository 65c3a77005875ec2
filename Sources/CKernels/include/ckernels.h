// Kernels of our own for the steps that libtorch's bf16 training spends its time on beside matrix products.
//
// They take plain memory and know nothing of tensors; the caller checks shapes first, and only scratch memory of less
// than a megabyte a thread could be missing. All need
// `ck_available()`; where it is false, the caller takes the library's way. Matrices are row-major; bf16 numbers are
// passed as their 16 bits. Results do not depend on the number of threads.
//
// A figure for each, measured on two cores of a Zen 4 machine beside what libtorch 2.13 does, is in the guide
// "Speed"; the tests compare every kernel with fp64.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint16_t ck_bf16;


// Whether this processor has the instructions that the kernels are written in: AVX-512 with BF16.
bool ck_available(void);
// Whether it has matrix tiles (AMX) for bf16, with which the library's matrix products beat `ck_attention`.
bool ck_has_tiles(void);

// Self-attention of packed queries, keys and values.
typedef struct CKAttention {
    int64_t batch, tokens, heads, size;  // `size` numbers a head: even
    int64_t queries;                     // how many of the tokens ask; the others are only answered with
    float scale;                         // of the products of queries and keys
    int32_t threads;
} CKAttention;
// out[b, q, h, :] = softmax(scale q kᵀ) v, from qkv[b, n, 3, h, size]. `logs` takes the base-2 logarithm of each
// query's denominator, [b, h, q], for the backward pass; it may be NULL.
void ck_attention(const CKAttention *shape, const ck_bf16 *qkv, ck_bf16 *out, float *logs);
// The gradient of qkv, recomputing the probabilities (Dao et al. 2022, "FlashAttention", section 3.1).
void ck_attention_backward(const CKAttention *shape, const ck_bf16 *qkv, const ck_bf16 *out, const float *logs,
                           const ck_bf16 *out_gradient, ck_bf16 *qkv_gradient);

// A residual branch joins its stream, and the sum is normalised: one pass over memory.
typedef struct CKJoin {
    int64_t rows, width;
    int64_t rows_per_factor;             // rows that share one of `factors`: the tokens of an image
    float epsilon;
    int32_t threads;
} CKJoin;
// sum = stream + factors · scale ⊙ branch; normed = (sum − mean) · deviation⁻¹ ⊙ weight + bias.
// `branch`, `scale`, `factors` may be NULL; without a branch `sum` is not written. `mean` and `inverse`: [rows].
void ck_join(const CKJoin *shape, const float *stream, const ck_bf16 *branch, const float *scale,
             const float *factors, const float *weight, const float *bias, float *sum, ck_bf16 *normed, float *mean,
             float *inverse);
// Takes the gradients of `sum` (may be NULL) and of `normed`; gives those of the stream, of the branch (NULL
// without one), of weight and bias, and of the scale (NULL without one).
void ck_join_backward(const CKJoin *shape, const float *sum, const ck_bf16 *branch, const float *scale,
                      const float *factors, const float *weight, const float *mean, const float *inverse,
                      const float *sum_gradient, const ck_bf16 *normed_gradient, float *stream_gradient,
                      ck_bf16 *branch_gradient, float *weight_gradient, float *bias_gradient,
                      float *scale_gradient);

// x · Φ(x), Φ by Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7).
void ck_gelu(int64_t count, const ck_bf16 *x, ck_bf16 *out, int32_t threads);
void ck_gelu_backward(int64_t count, const ck_bf16 *x, const ck_bf16 *gradient, ck_bf16 *out, int32_t threads);
// x · sigmoid(1.702 x).
void ck_quick_gelu(int64_t count, const ck_bf16 *x, ck_bf16 *out, int32_t threads);
void ck_quick_gelu_backward(int64_t count, const ck_bf16 *x, const ck_bf16 *gradient, ck_bf16 *out,
                            int32_t threads);

// Normalisation of channels that lie innermost in memory, [rows, channels], and the activation after it, in one pass
// each. Numbers are fp32 or bf16; statistics and parameters are fp32.
typedef enum CKActivation : int32_t {
    CK_NONE = 0,
    CK_RELU = 1,
    CK_RELU6 = 2,
    CK_HARDSWISH = 3,
    CK_SILU = 4
} CKActivation;
typedef struct CKBatchNorm {
    int64_t rows, channels;
    int32_t activation;
    bool reduced;                        // whether numbers are bf16
    bool fixed;                          // whether statistics are constants in the backward pass
    int32_t threads;
} CKBatchNorm;
// Mean and biased variance of each channel.
void ck_batch_statistics(const CKBatchNorm *shape, const void *x, float *mean, float *variance);
// activation((x − mean) · inverse · weight + bias)
void ck_batch_norm(const CKBatchNorm *shape, const void *x, const float *mean, const float *inverse,
                   const float *weight, const float *bias, void *out);
void ck_batch_norm_backward(const CKBatchNorm *shape, const void *x, const void *gradient, const float *mean,
                            const float *inverse, const float *weight, const float *bias, void *x_gradient,
                            float *weight_gradient, float *bias_gradient);

// Depthwise convolution with square kernels: the gradients of x, [batch, height, width, channels], and of weight,
// [kernel, kernel, channels], either of which may be NULL. Numbers are fp32 or bf16, weights fp32.
typedef struct CKDepthwise {
    int64_t batch, channels, height, width, out_height, out_width;
    int64_t kernel, stride, padding;     // kernel: at most 7
    bool reduced;
    int32_t threads;
} CKDepthwise;
void ck_depthwise_backward(const CKDepthwise *shape, const void *x, const float *weight, const void *gradient,
                           void *x_gradient, float *weight_gradient);

// The sum of each column of [rows, columns], in fp32.
void ck_column_sums(int64_t rows, int64_t columns, const ck_bf16 *x, float *out, int32_t threads);

// Exact search: for each of some queries, the best rows of a gallery that comes in blocks.
//
// Products of numbers rounded to bf16 (VDPBF16PS; matrix tiles are not used, there being none to test with) only
// dismiss rows, by a bound on what rounding can change that is measured on the rows at hand. What is left is compared
// by <query, row>, summed in double in a fixed order and rounded to fp32: results are those of comparing everything
// that way, whatever the blocks and threads.
typedef struct CKSearch CKSearch;
typedef enum CKSearchStatus : int32_t {
    CK_SEARCH_OK = 0,
    CK_SEARCH_NOT_FINITE = 1,            // a row has a number that is infinite or none
    CK_SEARCH_NO_MEMORY = 2
} CKSearchStatus;
typedef struct CKSearchBlock {
    int64_t count;                       // less than 2^31
    const float *rows;                   // [count, dimension]
    int64_t first;                       // the number of the first row,
    const int64_t *numbers;              // or the number of each; may be NULL
    bool clamped;                        // whether inner products are cosines: from -1 to 1
} CKSearchBlock;
// What was found in a block: of query q the positions and scores from starts[q] to starts[q + 1], rows ascending.
typedef struct CKSearchFound {
    const int64_t *starts;
    const int32_t *rows;
    const float *scores;
} CKSearchFound;
// Packs queries, [queries, dimension]. With `best`, the best so many rows of each are kept. NULL where memory is
// missing.
CKSearch *ck_search_make(int64_t queries, int64_t dimension, const float *rows, int64_t best, int32_t threads);
void ck_search_free(CKSearch *search);
// Decides between equal scores in the calls that follow: by order[row], or by the rows' numbers where it is NULL.
void ck_search_order(CKSearch *search, const int32_t *order);
// Compares a block. Without `best`, all rows with a score of at least limits[q] are found, and perhaps some below.
CKSearchStatus ck_search_block(CKSearch *search, const CKSearchBlock *block, const float *limits, int64_t *offending);
CKSearchFound ck_search_found(const CKSearch *search);
// Adds a row that was found elsewhere.
void ck_search_offer(CKSearch *search, int64_t query, int64_t row, float score);
// The best rows, best first, [queries, best]; -1 and -infinity where there are no more.
void ck_search_best(CKSearch *search, int64_t *rows, float *scores);
// Reads fp32 or fp16 numbers from an open file as fp32. 0, the system's number of an error, or -1 where the file ends
// too early. Halves alone need `ck_available()`.
int32_t ck_read_numbers(int32_t file, int64_t offset, int64_t count, bool halves, float *out, int32_t threads);
// Scales rows to unit length as `cf_normalize` does, bit for bit. The first row whose length is further from one than
// `tolerance`, or not finite, goes to `offending` with its length and stays as it was; otherwise `offending` is -1.
void ck_unit_rows(int64_t count, int64_t dimension, float *rows, double tolerance, int64_t *offending, double *length,
                  int32_t threads);

// The most probable of the classes at every place of images.
typedef struct CKClasses {
    int64_t images, classes, area;       // at least one class
    int32_t threads;
} CKClasses;
// From logits[image, class, place]: the number of the class with the largest, the first of equal ones, and its
// probability (softmax), both [image, place]. All probabilities of an image are NaN where one of its logits is not
// finite.
void ck_classes(const CKClasses *shape, const float *logits, float *numbers, float *largest);

#ifdef __cplusplus
}
#endif
