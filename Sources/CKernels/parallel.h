// Loops over independent pieces, on the threads that libtorch uses as well.
#pragma once

#include <algorithm>
#include <cstdint>

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
inline int64_t pieces(int64_t rows) { return (rows + piece - 1) / piece; }

}  // namespace kernels
