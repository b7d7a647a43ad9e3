// The loops that score rows, compiled once for each tier: nearest.hpp. A tier's file includes this one behind its target
// pragma; see kernels_avx512.cpp for the reasons of that.
//
// `Lanes` is 16 float32, panel_queries of them, and what can be done with those. The bits of a score differ between tiers.
#include "nearest.hpp"

namespace glovestore {
namespace {

struct PlainLanes {
    struct Vector {
        float x[panel_queries];
    };

    static Vector zero() noexcept { return {}; }
    static Vector load(const float* p) noexcept {
        Vector v;
        for (std::size_t i = 0; i < panel_queries; ++i) v.x[i] = p[i];
        return v;
    }
    // The first `count` numbers, zeros behind them.
    static Vector load_part(const float* p, std::size_t count) noexcept {
        Vector v{};
        for (std::size_t i = 0; i < count; ++i) v.x[i] = p[i];
        return v;
    }
    static Vector spread(float value) noexcept {
        Vector v;
        for (float& x : v.x) x = value;
        return v;
    }
    // a * b + c
    static Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) noexcept {
        Vector v;
        for (std::size_t i = 0; i < panel_queries; ++i) v.x[i] = a.x[i] * b.x[i] + c.x[i];
        return v;
    }
    static float sum(const Vector& v) noexcept {
        float total = 0.0f;
        for (const float x : v.x) total += x;
        return total;
    }
    // A bit for each lane of scores * scale that is not below its threshold: above, equal or NaN.
    static unsigned not_below(const Vector& scores, float scale, const float* thresholds) noexcept {
        unsigned bits = 0;
        for (std::size_t i = 0; i < panel_queries; ++i)
            bits |= static_cast<unsigned>(!(scores.x[i] * scale < thresholds[i])) << i;
        return bits;
    }
};

// A tile of many queries: each number of a row, with the same dim of all queries of a few panels.
template <class Lanes, std::size_t rows, std::size_t panels>
void score_tile(const RowBlock& block, std::size_t first, std::size_t panel, BestRows& best) noexcept {
    const std::size_t dim = best.queries().dim();
    const float* const queries = best.queries().panel(panel);
    const float* const* const vectors = block.vectors + first;
    typename Lanes::Vector sums[rows][panels];
    for (auto& row : sums)
        for (auto& sum : row) sum = Lanes::zero();
    for (std::size_t d = 0; d < dim; ++d) {
        typename Lanes::Vector numbers[panels];
        for (std::size_t p = 0; p < panels; ++p) numbers[p] = Lanes::load(queries + (p * dim + d) * panel_queries);
        for (std::size_t r = 0; r < rows; ++r) {
            const auto number = Lanes::spread(vectors[r][d]);
            for (std::size_t p = 0; p < panels; ++p) sums[r][p] = Lanes::multiply_add(number, numbers[p], sums[r][p]);
        }
    }
    for (std::size_t r = 0; r < rows && first + r < block.count; ++r)
        for (std::size_t p = 0; p < panels; ++p) {
            const std::size_t query = (panel + p) * panel_queries;
            unsigned bits = Lanes::not_below(sums[r][p], block.scales[first + r], best.thresholds() + query);
            for (std::size_t i = query; bits; ++i, bits >>= 1)
                if (bits & 1) best.offer(i, vectors[r], block.rows[first + r]);
        }
}

// One query waits for memory and little else. The hardware stops at the end of a page, and does not know which rows come.
template <std::size_t rows>
void prefetch(const float* const* vectors, std::size_t dim) noexcept {
#if defined(__GNUC__)
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t d = 0; d < dim; d += 16) __builtin_prefetch(vectors[r] + d, 0, 2);
#endif
}

// A tile of one query: its dot product with each row.
template <class Lanes, std::size_t rows>
void score_tile_of_one(const RowBlock& block, std::size_t first, std::size_t query, BestRows& best) noexcept {
    const std::size_t dim = best.queries().dim(), whole = dim - dim % panel_queries;
    const float* const direction = best.queries().direction(query);
    const float* const* const vectors = block.vectors + first;
    typename Lanes::Vector sums[rows];
    for (auto& sum : sums) sum = Lanes::zero();
    for (std::size_t d = 0; d < whole; d += panel_queries) {
        const auto numbers = Lanes::load(direction + d);
        for (std::size_t r = 0; r < rows; ++r)
            sums[r] = Lanes::multiply_add(Lanes::load(vectors[r] + d), numbers, sums[r]);
    }
    if (whole < dim) {
        const auto numbers = Lanes::load_part(direction + whole, dim - whole);
        for (std::size_t r = 0; r < rows; ++r)
            sums[r] = Lanes::multiply_add(Lanes::load_part(vectors[r] + whole, dim - whole), numbers, sums[r]);
    }
    for (std::size_t r = 0; r < rows && first + r < block.count; ++r)
        if (!(Lanes::sum(sums[r]) * block.scales[first + r] < best.thresholds()[query]))
            best.offer(query, vectors[r], block.rows[first + r]);
}

// `rows` and `panels`: how much of a tile stays in the registers.
template <class Lanes, std::size_t rows, std::size_t panels>
void score_block(const RowBlock& block, BestRows& best) noexcept {
    static_assert(rows <= most_tile_rows);
    const Queries& queries = best.queries();
    if (queries.count() <= few_queries) {
        constexpr std::size_t few_rows = 4;
        for (std::size_t first = 0; first < block.count; first += few_rows) {
            prefetch<few_rows>(block.vectors + first + prefetch_distance, queries.dim());
            for (std::size_t query = 0; query < queries.count(); ++query)
                score_tile_of_one<Lanes, few_rows>(block, first, query, best);
        }
        return;
    }
    std::size_t panel = 0;
    for (; panel + panels <= queries.panels(); panel += panels)
        for (std::size_t first = 0; first < block.count; first += rows)
            score_tile<Lanes, rows, panels>(block, first, panel, best);
    if constexpr (panels > 1)
        for (; panel < queries.panels(); ++panel)
            for (std::size_t first = 0; first < block.count; first += most_tile_rows)
                score_tile<Lanes, most_tile_rows, 1>(block, first, panel, best);
}

}  // namespace
}  // namespace glovestore
