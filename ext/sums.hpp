// The loops of statistics.hpp, compiled once for each tier: operations on single float64, in the order that FORMAT.md
// gives, so the number of lanes that a processor takes at a time does not show in the result.
//
// A tier's file includes this one behind its target pragma; see kernels_avx512.cpp for the reasons of that.
namespace glovestore {
namespace {

double sum_of_squares(const float* x, std::size_t dim) noexcept {
    double lanes[8] = {};
    const std::size_t whole = dim - dim % 8;
    for (std::size_t i = 0; i < whole; i += 8)
        for (std::size_t j = 0; j < 8; ++j) lanes[j] += static_cast<double>(x[i + j]) * x[i + j];
    for (std::size_t j = 0; j < 8; ++j) {  // adding 0 changes no sum of squares, and the lanes stay in registers
        const double rest = whole + j < dim ? static_cast<double>(x[whole + j]) : 0.0;
        lanes[j] += rest * rest;
    }
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

void norms_of_rows(const float* vectors, std::size_t rows, std::size_t dim, float* norms) noexcept {
    for (std::size_t i = 0; i < rows; ++i)
        norms[i] = static_cast<float>(std::sqrt(sum_of_squares(vectors + i * dim, dim)));
}

void open_block(Statistics& s, const float* row, std::size_t dim) noexcept {
    for (std::size_t d = 0; d < dim; ++d) {
        s.shift[d] = row[d];
        s.sum[d] = s.sum_of_squares[d] = 0.0;
    }
}

// Column by column, the rows in turn: the sums of a column stay in registers for a few rows.
template <std::size_t rows>
void add_few_rows(const Statistics& s, const float* __restrict vectors, std::size_t dim) noexcept {
    const double* __restrict shift = s.shift;
    double* __restrict sums = s.sum;
    double* __restrict sums_of_squares = s.sum_of_squares;
    for (std::size_t d = 0; d < dim; ++d) {
        double sum = sums[d], squares = sums_of_squares[d];
        for (std::size_t i = 0; i < rows; ++i) {
            const double x = vectors[i * dim + d] - shift[d];
            sum += x;
            squares += x * x;
        }
        sums[d] = sum;
        sums_of_squares[d] = squares;
    }
}

void add_rows(Statistics& s, const float* vectors, std::size_t rows, std::size_t dim) noexcept {
    constexpr std::size_t few = 8;
    while (rows > 0) {
        if (s.block_rows == 0) open_block(s, vectors, dim);
        std::size_t taken = 1;
        if (rows >= few && statistics_block - s.block_rows >= few) {
            add_few_rows<few>(s, vectors, dim);
            taken = few;
        } else {
            add_few_rows<1>(s, vectors, dim);
        }
        s.block_rows += taken;
        vectors += taken * dim;
        rows -= taken;
        if (s.block_rows == statistics_block) join_block(s, dim);
    }
}

}  // namespace
}  // namespace glovestore
