#include "cfaiss.h"

#include "boundary.h"

// Only headers that do not include <omp.h>: Swift's clang has none. Search parameters of HNSW and IVF are therefore
// set by name through ParameterSpace.
#include <faiss/AutoTune.h>
#include <faiss/Clustering.h>
#include <faiss/Index.h>
#include <faiss/IndexFlat.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <cmath>
#include <memory>

using cfaiss::guarded;
using cfaiss::require;

struct CFaissIndex {
    std::unique_ptr<faiss::Index> index;
};

namespace {

thread_local std::string lastError;

// FAISS counts rows in 64 bits but dimensions and some products in `int`.
constexpr int64_t maximumDimension = 1 << 20;

const faiss::Index &checked(const CFaissIndex *index) {
    require(index != nullptr && index->index != nullptr, "no index");
    return *index->index;
}

faiss::Index &checked(CFaissIndex *index) {
    require(index != nullptr && index->index != nullptr, "no index");
    return *index->index;
}

// FAISS divides by the numbers in a description before it looks at them: `PQ0` would end the process.
bool namesZero(const std::string &description) {
    size_t i = 0;
    while ((i = description.find_first_of("0123456789", i)) != std::string::npos) {
        const size_t end = std::min(description.find_first_not_of("0123456789", i), description.size());
        if (description.find_first_not_of('0', i) >= end) return true;
        i = end;
    }
    return false;
}

} // namespace

void cfaiss::remember(const char *message) noexcept {
    try {
        lastError = message;
    } catch (...) {
        lastError.clear();
    }
}

const char *cf_last_error(void) { return lastError.c_str(); }

CFaissStatus cf_index_factory(int64_t dimension, const char *description, CFaissMetric metric, CFaissIndex **out) {
    return guarded([&] {
        require(out != nullptr, "no place for the index");
        *out = nullptr;
        require(dimension > 0 && dimension <= maximumDimension, "the dimension must be between 1 and 1048576");
        require(description != nullptr && *description != 0, "the index description is empty");
        require(!namesZero(description), "the index description contains a zero");
        auto made = std::make_unique<CFaissIndex>();
        made->index.reset(faiss::index_factory(
            static_cast<int>(dimension), description,
            metric == CF_L2 ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT));
        *out = made.release();
    });
}

CFaissStatus cf_index_read(const char *path, bool mapped, CFaissIndex **out) {
    return guarded([&] {
        require(out != nullptr, "no place for the index");
        *out = nullptr;
        require(path != nullptr, "no path");
        auto made = std::make_unique<CFaissIndex>();
        made->index.reset(faiss::read_index(path, mapped ? faiss::IO_FLAG_MMAP | faiss::IO_FLAG_READ_ONLY : 0));
        *out = made.release();
    });
}

CFaissStatus cf_index_write(const CFaissIndex *index, const char *path) {
    return guarded([&] {
        require(path != nullptr, "no path");
        faiss::write_index(&checked(index), path);
    });
}

void cf_index_free(CFaissIndex *index) { delete index; }

CFaissStatus cf_index_train(CFaissIndex *index, int64_t n, const float *rows) {
    return guarded([&] {
        auto &i = checked(index);
        require(n > 0 && rows != nullptr, "no rows to train on");
        i.train(n, rows);
    });
}

CFaissStatus cf_index_add(CFaissIndex *index, int64_t n, const float *rows) {
    return guarded([&] {
        auto &i = checked(index);
        require(i.is_trained, "the index must be trained before rows are added");
        require(n >= 0 && (n == 0 || rows != nullptr), "no rows to add");
        if (n > 0) i.add(n, rows);
    });
}

CFaissStatus cf_index_search(
    const CFaissIndex *index, int64_t n, const float *rows, int64_t k, float *scores, int64_t *labels) {
    return guarded([&] {
        const auto &i = checked(index);
        require(i.is_trained, "the index must be trained before it is searched");
        require(k > 0, "at least one neighbour must be asked for");
        require(n >= 0 && (n == 0 || (rows && scores && labels)), "no queries, or no place for the result");
        if (n > 0) i.search(n, rows, k, scores, labels);
    });
}

CFaissStatus cf_index_set(CFaissIndex *index, const char *name, double value) {
    return guarded([&] {
        auto &i = checked(index);
        require(name != nullptr, "no parameter name");
        require(std::isfinite(value) && value >= 1, "a search parameter must be at least 1");
        faiss::ParameterSpace().set_index_parameter(&i, name, value);
    });
}

CFaissStatus cf_index_ntotal(const CFaissIndex *index, int64_t *out) {
    return guarded([&] { *out = checked(index).ntotal; });
}

CFaissStatus cf_index_dimension(const CFaissIndex *index, int64_t *out) {
    return guarded([&] { *out = checked(index).d; });
}

CFaissStatus cf_index_is_trained(const CFaissIndex *index, bool *out) {
    return guarded([&] { *out = checked(index).is_trained; });
}

CFaissStatus cf_index_metric(const CFaissIndex *index, CFaissMetric *out) {
    return guarded([&] {
        const auto metric = checked(index).metric_type;
        require(
            metric == faiss::METRIC_L2 || metric == faiss::METRIC_INNER_PRODUCT,
            "the index uses a metric other than inner product and L2");
        *out = metric == faiss::METRIC_L2 ? CF_L2 : CF_INNER_PRODUCT;
    });
}

CFaissStatus cf_kmeans(
    int64_t dimension, int64_t n, const float *rows, int64_t k, int iterations, int seed, bool spherical,
    float *centroids) {
    return guarded([&] {
        require(dimension > 0 && dimension <= maximumDimension, "the dimension must be between 1 and 1048576");
        require(k > 0 && k <= n, "k-means needs at least one cluster and as many rows as clusters");
        require(rows != nullptr && centroids != nullptr, "no rows, or no place for the centroids");
        require(iterations > 0, "k-means needs at least one iteration");
        faiss::ClusteringParameters parameters;
        parameters.niter = iterations;
        parameters.seed = seed;
        parameters.spherical = spherical;
        parameters.min_points_per_centroid = 1; // FAISS would print a warning, which nobody asked for
        faiss::Clustering clustering(static_cast<int>(dimension), static_cast<int>(k), parameters);
        faiss::IndexFlat assignment(
            dimension, spherical ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2);
        clustering.train(n, rows, assignment);
        std::copy(clustering.centroids.begin(), clustering.centroids.end(), centroids);
    });
}
