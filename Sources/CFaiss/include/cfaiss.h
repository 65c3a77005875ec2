// The C face of FAISS, as far as Retort uses it, and the three kernels of exact search that belong beside it.
//
// Every function returns a status; results leave through out-pointers. Arguments are checked here, because FAISS
// aborts the process on some of the mistakes that it could report. The message of the last failure on this thread
// is kept until the next call on it. Matrices are row-major and compact: n rows of the index's dimension.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum CFaissStatus {
    CF_OK = 0,
    CF_INVALID_ARGUMENT = 1, // refused before FAISS was called
    CF_FAISS_ERROR = 2,      // FAISS threw
    CF_OUT_OF_MEMORY = 3,
    CF_UNKNOWN_ERROR = 4,
} CFaissStatus;

typedef enum CFaissMetric {
    CF_INNER_PRODUCT = 0,
    CF_L2 = 1,
} CFaissMetric;

// An index; owned by whoever received it, released with cf_index_free.
typedef struct CFaissIndex CFaissIndex;

// The message of the last failure on this thread; borrowed, valid until the next call on this thread.
const char *cf_last_error(void);

// `out` receives ownership.
CFaissStatus cf_index_factory(int64_t dimension, const char *description, CFaissMetric metric, CFaissIndex **out);
// `mapped` leaves inverted lists in the file and reads what a search looks at; such an index takes no rows.
CFaissStatus cf_index_read(const char *path, bool mapped, CFaissIndex **out);
CFaissStatus cf_index_write(const CFaissIndex *index, const char *path);
void cf_index_free(CFaissIndex *index);

CFaissStatus cf_index_train(CFaissIndex *index, int64_t n, const float *rows);
CFaissStatus cf_index_add(CFaissIndex *index, int64_t n, const float *rows);

// `scores` and `labels` hold n x k values, best first; a label of -1 stands where the index found no more.
CFaissStatus cf_index_search(
    const CFaissIndex *index, int64_t n, const float *rows, int64_t k, float *scores, int64_t *labels);

// Sets a search parameter by FAISS's name for it: nprobe, efSearch, ...
CFaissStatus cf_index_set(CFaissIndex *index, const char *name, double value);

CFaissStatus cf_index_ntotal(const CFaissIndex *index, int64_t *out);
CFaissStatus cf_index_dimension(const CFaissIndex *index, int64_t *out);
CFaissStatus cf_index_is_trained(const CFaissIndex *index, bool *out);
CFaissStatus cf_index_metric(const CFaissIndex *index, CFaissMetric *out);

// k-means with centroids of unit length where `spherical`; `centroids` holds k x dimension values.
CFaissStatus cf_kmeans(
    int64_t dimension, int64_t n, const float *rows, int64_t k, int iterations, int seed, bool spherical,
    float *centroids);

// out[i * columns + j] = <a_i, b_j>, through the BLAS that this process is linked with.
CFaissStatus cf_inner_products(
    int64_t rows, int64_t columns, int64_t dimension, const float *a, const float *b, float *out);

// Scales every row to unit length (accumulated in double, so the result depends on the row alone). Stops at the
// first row whose length differs from one by more than `tolerance` or is not finite: its number and length go to
// `offending` and `length`, and the rows before it are scaled. Otherwise `offending` is -1.
CFaissStatus cf_normalize(
    int64_t n, int64_t dimension, float *rows, double tolerance, int64_t *offending, double *length);

// The greatest length of a row, in double. A row with a number that is not finite goes to `offending`; otherwise that
// is -1.
CFaissStatus cf_longest(int64_t n, int64_t dimension, const float *rows, int64_t *offending, double *length);

// Writes the positions of all scores >= threshold, in ascending order; `positions` has room for n.
CFaissStatus cf_at_least(int64_t n, const float *scores, float threshold, int32_t *positions, int64_t *found);

// The k-th largest of n scores, 1 <= k <= n.
CFaissStatus cf_kth_largest(int64_t n, const float *scores, int64_t k, float *out);

// out[i] = <query, rows[positions[i]]>; `clamped` to [-1, 1] where it is a cosine. Accumulated in double in a fixed order: the result
// depends on the two vectors alone, not on block sizes, threads or the BLAS in use.
CFaissStatus cf_similarities(
    int64_t dimension, const float *query, const float *rows, int64_t n, const int32_t *positions, bool clamped,
    float *out);

#ifdef __cplusplus
}
#endif
