#include "statistics.hpp"

#include <algorithm>
#include <cmath>

namespace glovestore {
namespace {

double sum_of_squares(const float* x, std::size_t dim) noexcept {
    double lanes[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= dim; i += 8)
        for (std::size_t j = 0; j < 8; ++j) lanes[j] += static_cast<double>(x[i + j]) * x[i + j];
    for (std::size_t j = 0; i + j < dim; ++j) lanes[j] += static_cast<double>(x[i + j]) * x[i + j];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

void open_block(Statistics& s, const float* row, std::size_t dim) noexcept {
    std::copy(row, row + dim, s.shift);
    std::fill(s.sum, s.sum + dim, 0.0);
    std::fill(s.sum_of_squares, s.sum_of_squares + dim, 0.0);
}

void add_row(const Statistics& s, const float* __restrict row, std::size_t dim) noexcept {
    const double* __restrict shift = s.shift;
    double* __restrict sum = s.sum;
    double* __restrict squares = s.sum_of_squares;
    for (std::size_t d = 0; d < dim; ++d) {
        const double x = row[d] - shift[d];
        sum[d] += x;
        squares[d] += x * x;
    }
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

}  // namespace

void row_norms(const float* vectors, std::size_t rows, std::size_t dim, float* norms) noexcept {
    for (std::size_t i = 0; i < rows; ++i) norms[i] = static_cast<float>(std::sqrt(sum_of_squares(vectors + i * dim, dim)));
}

void update_statistics(Statistics& s, const float* vectors, std::size_t rows, std::size_t dim) noexcept {
    for (std::size_t i = 0; i < rows; ++i) {
        const float* row = vectors + i * dim;
        if (s.block_rows == 0) open_block(s, row, dim);
        add_row(s, row, dim);
        if (++s.block_rows == statistics_block) join_block(s, dim);
    }
}

void finish_statistics(Statistics& s, std::size_t dim, double* std) noexcept {
    join_block(s, dim);
    const auto n = static_cast<double>(std::max<std::uint64_t>(s.joined_rows, 1));
    for (std::size_t d = 0; d < dim; ++d) std[d] = std::sqrt(s.squares[d] / n);
}

}  // namespace glovestore
