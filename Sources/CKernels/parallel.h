// Loops over independent pieces, on the threads that libtorch uses as well.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

// libgomp's own entry points: Swift's clang has no -fopenmp.
extern "C" {
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
}

namespace kernels {

// Calls body(first, end) for contiguous shares of 0..<count, one for each thread.
template <class Body> void shares(int64_t count, int32_t threads, Body &&body) {
    const unsigned wanted = unsigned(std::min<int64_t>(threads, count));
    if (wanted <= 1) {
        if (count > 0) body(int64_t(0), count);
        return;
    }
    struct Work {
        int64_t count;
        Body *body;
    } work{count, &body};
    GOMP_parallel(
        [](void *data) {
            auto &work = *static_cast<Work *>(data);
            const int64_t all = omp_get_num_threads(), mine = omp_get_thread_num();
            const int64_t start = work.count * mine / all, end = work.count * (mine + 1) / all;
            if (start < end) (*work.body)(start, end);
        },
        &work, wanted, 0);
}

// Sums over rows are made in pieces of this many, added in order: the result does not depend on the threads.
constexpr int64_t piece = 256;
// Calls body(first, end, sums) for pieces of rows; `sums` are `count` × `width` numbers that start at zero. What the
// pieces make is added up into `outputs`, some of which may be missing.
template <class Body>
void sumOverRows(int64_t rows, int64_t piece, int64_t width, float *const *outputs, int64_t count, int32_t threads,
                 Body &&body) {
    const int64_t pieces = (rows + piece - 1) / piece;
    std::vector<float> partial(size_t(pieces * count * width));
    shares(pieces, threads, [&](int64_t start, int64_t end) {
        for (int64_t number = start; number < end; number++)
            body(number * piece, std::min(rows, (number + 1) * piece), partial.data() + number * count * width);
    });
    for (int64_t output = 0; output < count; output++) {
        if (!outputs[output]) continue;
        for (int64_t j = 0; j < width; j++) {
            double total = 0;
            for (int64_t number = 0; number < pieces; number++)
                total += partial[size_t((number * count + output) * width + j)];
            outputs[output][j] = float(total);
        }
    }
}

}  // namespace kernels
