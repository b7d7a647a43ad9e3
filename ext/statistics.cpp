#include "statistics.hpp"

#include <algorithm>
#include <cmath>

#include "sums.hpp"

namespace glovestore {

void row_norms(const float* vectors, std::size_t rows, std::size_t dim, float* norms) noexcept {
    norms_of_rows(vectors, rows, dim, norms);
}

void update_statistics(Statistics& statistics, const float* vectors, std::size_t rows, std::size_t dim) noexcept {
    add_rows(statistics, vectors, rows, dim);
}

void join_block(Statistics& s, std::size_t dim) noexcept {
    if (s.block_rows == 0) return;
    const auto n = static_cast<double>(s.block_rows);
    const auto before = static_cast<double>(s.joined_rows);
    for (std::size_t d = 0; d < dim; ++d) {
        const double mean = s.shift[d] + s.sum[d] / n;
        const double squares = std::max(0.0, s.sum_of_squares[d] - s.sum[d] * (s.sum[d] / n));
        const double gap = mean - s.mean[d];
        s.mean[d] += gap * (n / (before + n));
        s.squares[d] += squares + gap * gap * (before * (n / (before + n)));
    }
    s.joined_rows += s.block_rows;
    s.block_rows = 0;
}

void finish_statistics(Statistics& s, std::size_t dim, double* std) noexcept {
    join_block(s, dim);
    const auto n = static_cast<double>(std::max<std::uint64_t>(s.joined_rows, 1));
    for (std::size_t d = 0; d < dim; ++d) std[d] = std::sqrt(s.squares[d] / n);
}

}  // namespace glovestore
