#include "nearest.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "buffer.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"
#include "scores.hpp"

namespace glovestore {
namespace {

double dot(const float* a, const float* b, std::size_t dim) noexcept {
    double lanes[8] = {};
    const std::size_t whole = dim - dim % 8;
    for (std::size_t i = 0; i < whole; i += 8)
        for (std::size_t j = 0; j < 8; ++j) lanes[j] += static_cast<double>(a[i + j]) * b[i + j];
    for (std::size_t i = whole; i < dim; ++i) lanes[i - whole] += static_cast<double>(a[i]) * b[i];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

bool better(const NearRow& a, const NearRow& b) noexcept {
    return a.cosine > b.cosine || (a.cosine == b.cosine && a.row < b.row);
}

// Between these norms no product of a direction and a vector leaves float32's range by enough to matter.
float scale_of(float norm) noexcept {
    if (norm == 0.0f) return 0.0f;
    return norm > 1e-30f && norm < 1e30f ? 1.0f / norm : std::numeric_limits<float>::quiet_NaN();
}

// `decoded`: room for most_rows rows, where these are not float32.
void take_block(const Candidates& all, decltype(&decode_rows) decode, std::size_t first, float* decoded,
                RowBlock& block) noexcept {
    const StoredVectors& vectors = all.vectors;
    const bool is_plain = vectors.dtype == Stored::float32;
    block.count = std::min(RowBlock::most_rows, all.count - first);
    for (std::size_t i = 0; i < block.count + RowBlock::padding; ++i) {
        const std::size_t taken = std::min(i, block.count - 1), place = first + taken;
        block.rows[i] = all.rows ? all.rows[place] : static_cast<std::int64_t>(place);
        const auto row = static_cast<std::size_t>(block.rows[i]);
        block.vectors[i] = is_plain ? reinterpret_cast<const float*>(vectors.row(row)) : decoded + taken * vectors.dim;
        block.scales[i] = scale_of(all.norms[row]);
    }
    if (is_plain) return;
    for (std::size_t i = 0; i < block.count; ++i) {  // the hardware stops at the end of a page
        prefetch_bytes(vectors.row(static_cast<std::size_t>(block.rows[i + prefetch_distance])), vectors.row_size());
        decode(vectors, static_cast<std::size_t>(block.rows[i]), 1, decoded + i * vectors.dim);
    }
}

}  // namespace

Queries::Queries(const float* vectors, const std::int64_t* left_out, std::size_t count, std::size_t dim)
    : vectors_(vectors), left_out_(left_out), count_(count), dim_(dim), norms_(count), directions_(count * dim) {
    if (count > few_queries) panels_.resize(panels() * dim * panel_queries);
    for (std::size_t i = 0; i < count; ++i) {
        const float* const query = vectors + i * dim;
        norms_[i] = std::sqrt(dot(query, query, dim));
        for (std::size_t d = 0; d < dim; ++d) {
            const float x = norms_[i] > 0.0 ? static_cast<float>(query[d] / norms_[i]) : 0.0f;
            directions_[i * dim + d] = x;
            if (count > few_queries) panels_[(i / panel_queries * dim + d) * panel_queries + i % panel_queries] = x;
        }
    }
}

float Queries::cosine(std::size_t query, const float* vector) const noexcept {
    const double product = dot(vectors_ + query * dim_, vector, dim_);
    const double norm = std::sqrt(dot(vector, vector, dim_));
    return norm == 0.0 || norms_[query] == 0.0 ? 0.0f : static_cast<float>(product / (norm * norms_[query]));
}

// A score is a sum of dim products, in float32 and any order, times a rounded 1 / norm: at most dim + 5 roundings of 2^-24
// each, relative to a sum of magnitudes that is 1 at most (Higham, Accuracy and Stability, 2002, section 3.1). Twice that.
BestRows::BestRows(const Queries& queries, std::size_t k)
    : queries_(queries),
      k_(k),
      margin_(std::ldexp(static_cast<float>(queries.dim() + 5), -23)),
      heaps_(queries.count()),
      thresholds_(queries.panels() * panel_queries, -std::numeric_limits<float>::infinity()) {
    for (auto& heap : heaps_) heap.reserve(k);
    // The last panel's lanes without a query let nothing pass.
    std::fill(thresholds_.begin() + static_cast<std::ptrdiff_t>(queries.count()), thresholds_.end(),
              std::numeric_limits<float>::infinity());
}

void BestRows::offer(std::size_t query, const float* vector, std::int64_t row) noexcept {
    if (query >= queries_.count() || row == queries_.left_out(query)) return;
    const NearRow found{queries_.cosine(query, vector), row};
    if (std::isnan(found.cosine)) return;  // only in a damaged store
    auto& heap = heaps_[query];
    if (heap.size() == k_) {
        if (!better(found, heap.front())) return;
        std::pop_heap(heap.begin(), heap.end(), better);
        heap.pop_back();
    }
    heap.push_back(found);  // there is room for k
    std::push_heap(heap.begin(), heap.end(), better);
    if (heap.size() == k_) thresholds_[query] = heap.front().cosine - margin_;
}

void score_rows(const RowBlock& block, BestRows& best) noexcept { score_block<PlainLanes, 2, 1>(block, best); }

void find_nearest(decltype(&score_rows) score, decltype(&decode_rows) decode, const Candidates& candidates,
                  const Queries& queries, std::size_t k, std::size_t threads, std::int64_t* rows, float* cosines,
                  std::int64_t* counts) {
    std::vector<BestRows> best;
    best.reserve(threads);
    while (best.size() < threads) best.emplace_back(queries, std::min(k, candidates.count));
    const bool is_plain = candidates.vectors.dtype == Stored::float32;
    const std::size_t room = is_plain ? 0 : RowBlock::most_rows * candidates.vectors.dim;
    std::vector<Buffer<float>> decoded(threads);
    for (auto& memory : decoded) memory.require(room);
    std::atomic<std::size_t> next{0};
    const auto work = [&](BestRows& mine, float* memory) noexcept {
        RowBlock block;
        for (std::size_t first; (first = next.fetch_add(RowBlock::most_rows)) < candidates.count;) {
            take_block(candidates, decode, first, memory, block);
            score(block, mine);
        }
    };
    in_parallel(threads, threads, 1, [&](std::size_t first, std::size_t end) noexcept {
        for (std::size_t i = first; i < end; ++i) work(best[i], decoded[i].data());
    });

    std::vector<NearRow> all;
    for (std::size_t query = 0; query < queries.count(); ++query) {
        all.clear();
        for (const auto& part : best) all.insert(all.end(), part.of(query).begin(), part.of(query).end());
        std::sort(all.begin(), all.end(), better);
        const std::size_t count = std::min(k, all.size());
        counts[query] = static_cast<std::int64_t>(count);
        for (std::size_t i = 0; i < count; ++i) {
            rows[query * k + i] = all[i].row;
            cosines[query * k + i] = all[i].cosine;
        }
    }
}

}  // namespace glovestore
