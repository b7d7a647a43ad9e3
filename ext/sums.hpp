// The loops of statistics.hpp, compiled once for each tier: operations on single float64, in the order that FORMAT.md
// gives, so the number of lanes that a processor takes at a time does not show in the result.
//
// A tier's file includes this one behind its target pragma; see kernels_avx512.cpp for the reasons of that.
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

void norms_of_rows(const float* vectors, std::size_t rows, std::size_t dim, float* norms) noexcept {
    for (std::size_t i = 0; i < rows; ++i) norms[i] = static_cast<float>(std::sqrt(sum_of_squares(vectors + i * dim, dim)));
}

void open_block(Statistics& s, const float* row, std::size_t dim) noexcept {
    for (std::size_t d = 0; d < dim; ++d) {
        s.shift[d] = row[d];
        s.sum[d] = s.sum_of_squares[d] = 0.0;
    }
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

void add_rows(Statistics& s, const float* vectors, std::size_t rows, std::size_t dim) noexcept {
    for (std::size_t i = 0; i < rows; ++i) {
        const float* row = vectors + i * dim;
        if (s.block_rows == 0) open_block(s, row, dim);
        add_row(s, row, dim);
        if (++s.block_rows == statistics_block) join_block(s, dim);
    }
}

}  // namespace
}  // namespace glovestore
