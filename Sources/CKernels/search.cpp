// Exact search for the best rows of a gallery, block by block, for many queries.
//
// Products of bf16 only dismiss: a pair whose product is further below its query's limit than rounding can explain
// is never looked at again, and the rest is compared by the inner product in double. Scores are compared with the
// limits while they are in registers. The bound on rounding comes from what was rounded (`margin`), so the result is
// that of comparing everything, on any number of threads.
#include <atomic>
#include <limits>
#include <memory>
#include <new>

#include "parallel.h"
#include "search.h"

namespace kernels {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// A row of the block and its score.
struct Candidate {
    float score;
    int32_t row;
};

// A row of the gallery that is among the best.
struct Best {
    float score;
    int64_t row;
};

// The most that a float can be without exceeding `x`.
inline float below(double x) {
    const float y = float(x);
    return double(y) > x ? std::nextafter(y, -infinity) : y;
}

// The candidates of one query within a block. Of those that were seen, only `best` can count; without `best`, all do.
struct Reservoir {
    std::vector<Candidate> kept;
    size_t full = 0;

    void clear(int64_t best) {
        kept.clear();
        full = best ? std::max<size_t>(32, size_t(best) * 2) : std::numeric_limits<size_t>::max();
    }

    // Drops what the margin shows to be beyond the best, and returns the limit that was found.
    float cut(int64_t best, double margin, float limit, std::vector<float> &scores) {
        if (best == 0 || kept.size() <= size_t(best)) return limit;
        scores.resize(kept.size());
        for (size_t i = 0; i < kept.size(); i++) scores[i] = kept[i].score;
        std::nth_element(scores.begin(), scores.begin() + (best - 1), scores.end(), std::greater<float>());
        // So many rows are no further below their scores than the margin, and others no further above theirs.
        limit = std::max(limit, below(double(scores[size_t(best) - 1]) - 2 * margin));
        size_t count = 0;
        for (const Candidate &c : kept)
            if (c.score >= limit) kept[count++] = c;
        kept.resize(count);
        full = std::max(full, 2 * count);
        return limit;
    }
};

// What one thread needs while it works on a panel.
struct Desk {
    Reservoir reservoirs[panelQueries];
    alignas(64) float limits[panelQueries];
    double margins[panelQueries];
    std::vector<float> scores;
};

// What a panel of queries found in a part of the block.
struct Found {
    std::vector<Candidate> candidates;
    int64_t ends[panelQueries] = {};
};

}  // namespace
}  // namespace kernels

using namespace kernels;

struct CKSearch {
    int64_t count, dimension, pairs, stride;  // `stride`: pairs from one rounded row to the next
    int64_t best;
    const int32_t *order = nullptr;
    int32_t threads;
    std::vector<float> queries;
    std::vector<Lengths> lengths;             // of the queries
    std::vector<Pair> packed;                 // the queries, panel by panel
    std::vector<Pair> block;                  // the rows at hand, rounded
    int64_t kept;                             // room for the best of each query
    std::vector<Best> bests;
    std::vector<int64_t> counts;
    std::vector<float> thresholds;            // nothing below can be among the best
    // Memory that one block after another uses: fresh pages would take a tenth of the time.
    std::vector<Lengths> blockLengths;
    std::vector<std::unique_ptr<Desk>> desks;
    std::vector<Found> found;
    std::vector<int64_t> starts;              // what was found in the last block
    std::vector<int32_t> rows;
    std::vector<float> scores;

    int64_t panels() const { return (count + panelQueries - 1) / panelQueries; }
    int64_t registers(int64_t panel) const {
        return std::min<int64_t>(panelRegisters, (count - panel * panelQueries + lanes - 1) / lanes);
    }
    bool precedes(const Best &a, const Best &b) const {
        if (a.score != b.score) return a.score > b.score;
        return order ? order[a.row] < order[b.row] : a.row < b.row;
    }

    void offer(int64_t query, Best candidate);
    void cut(int64_t query);
};

namespace kernels {
namespace {

// Calls body(n) for n in 0..<count, whichever thread is free.
template <class Body> void tasks(int64_t count, int32_t threads, Body &&body) {
    std::atomic<int64_t> next{0};
    shares(std::min<int64_t>(count, std::max(1, threads)), threads, [&](int64_t, int64_t) {
        for (int64_t n; (n = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(n);
    });
}

}  // namespace

KERNELS_BEGIN
namespace {

// Rounds rows to bf16; gives the first that is not finite, or -1.
int64_t roundRows(const CKSearch &s, int64_t count, const float *rows, Pair *out, Lengths *lengths) {
    std::atomic<int64_t> bad{std::numeric_limits<int64_t>::max()};
    constexpr int64_t some = 64;
    tasks((count + some - 1) / some, s.threads, [&](int64_t n) {
        for (int64_t row = n * some; row < std::min(count, (n + 1) * some); row++) {
            auto *to = reinterpret_cast<uint16_t *>(out + row * s.stride);
            if (roundRow(rows + row * s.dimension, s.dimension, to, 2 * s.stride, lengths + row)) continue;
            int64_t known = bad.load();
            while (row < known && !bad.compare_exchange_weak(known, row)) {}
        }
    });
    return bad == std::numeric_limits<int64_t>::max() ? -1 : bad.load();
}

void packPanel(CKSearch &s, int64_t panel, const Pair *rounded) {
    const int64_t width = s.registers(panel) * lanes, start = panel * panelQueries;
    Pair *out = s.packed.data() + panel * panelQueries * s.pairs;
    for (int64_t q = 0; q < width; q++) {
        const Pair *row = start + q < s.count ? rounded + (start + q) * s.stride : nullptr;
        for (int64_t k = 0; k < s.pairs; k++) out[k * width + q] = row ? row[k] : 0;
    }
}

template <int C>
void scan(const CKSearch &s, int64_t panel, int64_t start, int64_t end, Desk &desk) {
    const Pair *columns = s.packed.data() + panel * panelQueries * s.pairs;
    alignas(64) float scores[tileRows * C * lanes];
    for (int64_t row = start; row < end; row += tileRows) {
        if (!scoreTile<C>(s.block.data() + row * s.stride, s.stride, columns, s.pairs, desk.limits, scores)) continue;
        for (int64_t r = 0; r < std::min<int64_t>(tileRows, end - row); r++)
            for (int c = 0; c < C; c++) {
                const float *group = scores + (r * C + c) * lanes;
                unsigned passed = _mm512_cmp_ps_mask(load(group), load(desk.limits + c * lanes), _CMP_NLT_UQ);
                for (; passed; passed &= passed - 1) {
                    const int lane = __builtin_ctz(passed), q = c * int(lanes) + lane;
                    Reservoir &reservoir = desk.reservoirs[q];
                    reservoir.kept.push_back({group[lane], int32_t(row + r)});
                    if (reservoir.kept.size() >= reservoir.full)
                        desk.limits[q] = reservoir.cut(s.best, desk.margins[q], desk.limits[q], desk.scores);
                }
            }
    }
}

// Replaces scores by inner products.
void compare(const CKSearch &s, const float *query, const float *block, bool clamped, Candidate *candidates, size_t count) {
    constexpr int together = 4;
    constexpr int64_t line = 16;
    for (size_t i = 0; i < count;) {
        for (size_t next = i + together; next < std::min(count, i + 2 * together); next++) {
            const float *row = block + int64_t(candidates[next].row) * s.dimension;
            for (int64_t j = 0; j < s.dimension; j += line) _mm_prefetch(row + j, _MM_HINT_T0);
        }
        double products[together];
        const float *rows[together];
        const int n = count - i >= together ? together : 1;
        for (int j = 0; j < n; j++) rows[j] = block + int64_t(candidates[i + size_t(j)].row) * s.dimension;
        n == together ? innerProducts<together>(s.dimension, query, rows, products)
                      : innerProducts<1>(s.dimension, query, rows, products);
        for (int j = 0; j < n; j++) {
            const double p = clamped ? std::clamp(products[j], -1.0, 1.0) : products[j];
            candidates[i + size_t(j)].score = float(p);
        }
        i += size_t(n);
    }
}

// The candidates of one panel of queries among rows start..<end of the block, compared exactly.
void search(const CKSearch &s, const float *block, bool clamped, const Lengths &longest, const float *limits,
            int64_t panel, int64_t start, int64_t end, Desk &desk, Found &found) {
    const int64_t registers = s.registers(panel), firstQuery = panel * panelQueries;
    const int64_t queries = std::min<int64_t>(panelQueries, s.count - firstQuery);
    for (int64_t q = 0; q < panelQueries; q++) {
        desk.limits[q] = infinity;
        if (q >= queries) continue;
        const double apart = margin(s.dimension, s.lengths[size_t(firstQuery + q)], longest);
        // Where lengths overflow, everything is compared.
        const bool usable = apart < 1e37 && (longest.kept + 1) * (s.lengths[size_t(firstQuery + q)].kept + 1) < 1e37;
        desk.margins[q] = apart;
        desk.limits[q] = usable ? below(double(limits[firstQuery + q]) - apart) : -infinity;
        desk.reservoirs[q].clear(usable ? s.best : 0);
    }
    switch (registers) {
    case 4: scan<4>(s, panel, start, end, desk); break;
    case 3: scan<3>(s, panel, start, end, desk); break;
    case 2: scan<2>(s, panel, start, end, desk); break;
    default: scan<1>(s, panel, start, end, desk); break;
    }
    for (int64_t q = 0; q < queries; q++) {
        Reservoir &reservoir = desk.reservoirs[q];
        if (reservoir.full != std::numeric_limits<size_t>::max())
            reservoir.cut(s.best, desk.margins[q], desk.limits[q], desk.scores);
        compare(s, s.queries.data() + (firstQuery + q) * s.dimension, block, clamped, reservoir.kept.data(),
                reservoir.kept.size());
        if (q == 0) found.candidates.clear();
        found.candidates.insert(found.candidates.end(), reservoir.kept.begin(), reservoir.kept.end());
        found.ends[q] = int64_t(found.candidates.size());
    }
}

}  // namespace
KERNELS_END
}  // namespace kernels

void CKSearch::offer(int64_t query, Best candidate) {
    if (candidate.score < thresholds[size_t(query)]) return;
    bests[size_t(query * kept + counts[size_t(query)]++)] = candidate;
    if (counts[size_t(query)] == kept) cut(query);
}

void CKSearch::cut(int64_t query) {
    int64_t &count = counts[size_t(query)];
    if (count < best) return;
    Best *all = bests.data() + query * kept;
    const auto before = [this](const Best &a, const Best &b) { return precedes(a, b); };
    std::nth_element(all, all + (best - 1), all + count, before);
    count = best;
    thresholds[size_t(query)] = all[best - 1].score;
}

namespace kernels {
namespace {

void prepare(CKSearch &s, const float *rows) {
    s.pairs = (s.dimension + 1) / 2;
    // A cache line more than the row takes: rows of a power of two would fall into the same few sets of the cache.
    s.stride = roundUp(s.dimension, 32) / 2 + 16;
    s.queries.assign(rows, rows + s.count * s.dimension);
    s.lengths.resize(size_t(s.count));
    s.packed.resize(size_t(s.panels() * panelQueries * s.pairs));
    std::vector<Pair> rounded(size_t(s.count * s.stride));
    // Numbers that are not finite have no finite length: everything is compared with such a query.
    roundRows(s, s.count, rows, rounded.data(), s.lengths.data());
    tasks(s.panels(), s.threads, [&](int64_t panel) { packPanel(s, panel, rounded.data()); });
    s.kept = s.best + s.best / 2 + 8;
    if (s.best) s.bests.resize(size_t(s.count * s.kept));
    s.counts.assign(size_t(s.count), 0);
    s.thresholds.assign(size_t(s.count), -infinity);
}

// Hands the findings of all panels and parts to the lists of the best, or to the caller.
void collect(CKSearch &s, int64_t parts, int64_t firstRow, const int64_t *numbers) {
    const auto each = [&](int64_t query, auto &&body) {
        const int64_t panel = query / panelQueries, q = query % panelQueries;
        for (int64_t part = 0; part < parts; part++) {
            const Found &f = s.found[size_t(panel * parts + part)];
            for (int64_t i = q ? f.ends[q - 1] : 0; i < f.ends[q]; i++) body(f.candidates[size_t(i)]);
        }
    };
    if (s.best) {
        tasks(s.panels(), s.threads, [&](int64_t panel) {
            for (int64_t q = panel * panelQueries; q < std::min(s.count, (panel + 1) * panelQueries); q++) {
                each(q, [&](const Candidate &c) {
                    s.offer(q, {c.score, numbers ? numbers[c.row] : firstRow + c.row});
                });
                // A limit that is a little late costs less than a cut for every newcomer.
                if (s.counts[size_t(q)] >= s.best + s.best / 8) s.cut(q);
            }
        });
        return;
    }
    s.rows.clear();
    s.scores.clear();
    s.starts.assign(1, 0);
    for (int64_t q = 0; q < s.count; q++) {
        each(q, [&](const Candidate &c) {
            s.rows.push_back(c.row);
            s.scores.push_back(c.score);
        });
        s.starts.push_back(int64_t(s.rows.size()));
    }
}

CKSearchStatus scanBlock(CKSearch &s, const CKSearchBlock &b, const float *limits, int64_t *offending) {
    const int64_t padded = roundUp(b.count, tileRows);
    if (int64_t(s.block.size()) < padded * s.stride) s.block.resize(size_t(padded * s.stride));
    s.blockLengths.resize(size_t(b.count));
    *offending = roundRows(s, b.count, b.rows, s.block.data(), s.blockLengths.data());
    if (*offending >= 0) return CK_SEARCH_NOT_FINITE;
    std::fill(s.block.begin() + b.count * s.stride, s.block.begin() + padded * s.stride, 0);
    Lengths longest;
    for (const Lengths &each : s.blockLengths) longest.include(each);
    // Few queries: the block is divided, too, so that every thread has something to do.
    const int64_t wanted = s.threads > 1 ? (3 * s.threads + s.panels() - 1) / s.panels() : 1;
    const int64_t parts = std::max<int64_t>(1, std::min(wanted, b.count / 512));
    const int64_t share = roundUp((b.count + parts - 1) / parts, tileRows);
    const int64_t pieces = s.panels() * parts;
    if (int64_t(s.found.size()) < pieces) s.found.resize(size_t(pieces));
    while (s.desks.size() < size_t(s.threads)) s.desks.push_back(std::make_unique<Desk>());
    std::atomic<int64_t> taken{0};
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    shares(int64_t(s.desks.size()), s.threads, [&](int64_t, int64_t) {
        try {
            Desk &desk = *s.desks[size_t(taken.fetch_add(1))];
            for (int64_t n; (n = next.fetch_add(1)) < pieces;) {
                const int64_t start = n % parts * share, end = std::min(b.count, start + share);
                search(s, b.rows, b.clamped, longest, limits, n / parts, std::min(start, end), end, desk, s.found[size_t(n)]);
            }
        } catch (const std::bad_alloc &) {
            failed = true;
        }
    });
    if (failed) return CK_SEARCH_NO_MEMORY;
    collect(s, parts, b.first, b.numbers);
    return CK_SEARCH_OK;
}

}  // namespace
}  // namespace kernels

CKSearch *ck_search_make(int64_t queries, int64_t dimension, const float *rows, int64_t best, int32_t threads) {
    try {
        auto made = std::make_unique<CKSearch>();
        made->count = queries;
        made->dimension = dimension;
        made->best = best;
        made->threads = std::max(1, threads);
        kernels::prepare(*made, rows);
        return made.release();
    } catch (const std::exception &) {
        return nullptr;
    }
}

void ck_search_free(CKSearch *search) { delete search; }

void ck_search_order(CKSearch *search, const int32_t *order) { search->order = order; }

CKSearchStatus ck_search_block(CKSearch *search, const CKSearchBlock *block, const float *limits, int64_t *offending) {
    *offending = -1;
    try {
        return kernels::scanBlock(*search, *block, search->best ? search->thresholds.data() : limits, offending);
    } catch (const std::exception &) {
        return CK_SEARCH_NO_MEMORY;
    }
}

CKSearchFound ck_search_found(const CKSearch *search) {
    return {search->starts.data(), search->rows.data(), search->scores.data()};
}

void ck_search_offer(CKSearch *search, int64_t query, int64_t row, float score) { search->offer(query, {score, row}); }

void ck_search_best(CKSearch *search, int64_t *rows, float *scores) {
    for (int64_t q = 0; q < search->count; q++) {
        search->cut(q);
        Best *all = search->bests.data() + q * search->kept;
        const int64_t count = search->counts[size_t(q)];
        std::sort(all, all + count, [&](const Best &a, const Best &b) { return search->precedes(a, b); });
        for (int64_t i = 0; i < search->best; i++) {
            rows[q * search->best + i] = i < count ? all[i].row : -1;
            scores[q * search->best + i] = i < count ? all[i].score : -infinity;
        }
    }
}
