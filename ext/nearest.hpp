// Exact nearest rows by cosine.
//
// Every row is scored in float32, in whatever order is fastest. Whoever scores not clearly below the worst of the best so
// far is scored again in float64, in one fixed order, and only that decides. So a result depends neither on the SIMD tier
// nor on threads, nor on what else is asked at the same time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "stored.hpp"

namespace glovestore {

constexpr std::size_t panel_queries = 16;  // queries that are scored side by side
constexpr std::size_t few_queries = 3;     // up to so many are scored one by one instead
constexpr std::size_t most_tile_rows = 8;  // rows that any tier scores at a time
constexpr std::size_t prefetch_distance = 16;  // rows

// Rows that may be found; the memory is somebody else's.
struct Candidates {
    StoredVectors vectors;      // (n, dim)
    const float* norms;         // (n,)
    const std::int64_t* rows;   // the candidates' rows, `count` of them, each once; nullptr: the first `count`
    std::size_t count;
};

struct NearRow {
    float cosine;
    std::int64_t row;
};

class Queries {
public:
    // `vectors` (count, dim), finite, stays the caller's; so does `left_out` (count,): a row not to be found, or -1.
    Queries(const float* vectors, const std::int64_t* left_out, std::size_t count, std::size_t dim);

    std::size_t count() const noexcept { return count_; }
    std::size_t dim() const noexcept { return dim_; }
    std::size_t panels() const noexcept { return (count_ + panel_queries - 1) / panel_queries; }
    std::int64_t left_out(std::size_t query) const noexcept { return left_out_[query]; }

    // The query divided by its norm, or zero.
    const float* direction(std::size_t query) const noexcept { return &directions_[query * dim_]; }
    // The directions of panel_queries queries side by side: (dim, panel_queries), zeros behind the last query.
    const float* panel(std::size_t number) const noexcept { return &panels_[number * dim_ * panel_queries]; }

    // The cosine with a vector; 0 if either is zero, NaN if the vector is not finite.
    float cosine(std::size_t query, const float* vector) const noexcept;

private:
    const float* vectors_;
    const std::int64_t* left_out_;
    std::size_t count_, dim_;
    std::vector<double> norms_;
    std::vector<float> directions_, panels_;
};

// A few candidates in a row. Behind the last, the arrays repeat it: tiles are whole, and rows are prefetched.
struct RowBlock {
    static constexpr std::size_t padding = 24;
    static constexpr std::size_t most_rows = 256;  // of 100 dims: 100 KB, which stays in the L2 cache for all queries

    const float* vectors[most_rows + padding];
    float scales[most_rows + padding];  // 1 / norm, 0 for a norm of 0; NaN where float32 may over- or underflow
    std::int64_t rows[most_rows + padding];
    std::size_t count;

    static_assert(padding >= prefetch_distance + most_tile_rows);
};

// The best rows of each query, among those that one thread looked at.
class BestRows {
public:
    BestRows(const Queries& queries, std::size_t k);

    const Queries& queries() const noexcept { return queries_; }
    // A row whose score is below is none of the best. -inf as long as there are fewer than k; padded to whole panels.
    const float* thresholds() const noexcept { return thresholds_.data(); }
    // Score a row exactly, and keep it if it is one of the best.
    void offer(std::size_t query, const float* vector, std::int64_t row) noexcept;
    const std::vector<NearRow>& of(std::size_t query) const noexcept { return heaps_[query]; }

private:
    const Queries& queries_;
    std::size_t k_;
    float margin_;  // by how much a score may be wrong
    std::vector<std::vector<NearRow>> heaps_;  // the worst on top
    std::vector<float> thresholds_;
};

// Offer those rows of a block that score below no threshold; a kernel of each tier.
void score_rows(const RowBlock& block, BestRows& best) noexcept;

// Write the `k` best rows of each query and their cosines, best first, of equal ones the lower row first, to `rows` and
// `cosines` (queries, k), and how many there are to `counts`. Works in `threads` threads, or in fewer if the system does
// not give as many. `decode` and `score` are kernels: vectors that are not float32 are decoded a block at a time.
void find_nearest(decltype(&score_rows) score, decltype(&decode_rows) decode, const Candidates& candidates,
                  const Queries& queries, std::size_t k, std::size_t threads, std::int64_t* rows, float* cosines,
                  std::int64_t* counts);

}  // namespace glovestore
