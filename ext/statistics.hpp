// Norms of rows, and mean and standard deviation of columns. Every sum is in float64 and in a fixed order, so that the
// bytes of a store depend on nothing but its input.
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

// norms[i] = float32(sqrt(sum of squares of row i)). Order: eight lanes, lane j takes the columns j, j + 8, ... in turn;
// then ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
void row_norms(const float* vectors, std::size_t rows, std::size_t dim, float* norms) noexcept;

constexpr std::size_t statistics_block = 4096;  // rows

// The running statistics of columns, with memory of the caller: 5 arrays of `dim` float64.
//
// Within a block of 4,096 rows: sums of d and d^2 with d = x - (first row of the block), row by row ("shifted data", which
// keeps the digits when mean >> deviation). Blocks are joined in their order with the update of Chan, Golub and LeVeque
// ("Updating formulae and a pairwise algorithm for computing sample variances", 1979).
struct Statistics {
    std::uint64_t joined_rows;  // rows in the joined blocks
    std::uint64_t block_rows;   // rows in the open block
    double* mean;               // (dim,) of the joined blocks
    double* squares;            // (dim,) sum of (x - mean)^2 of the joined blocks
    double* shift;              // (dim,) the open block
    double* sum;
    double* sum_of_squares;
};

void update_statistics(Statistics& statistics, const float* vectors, std::size_t rows, std::size_t dim) noexcept;

// Joins the open block, if it has a row, to those before it.
void join_block(Statistics& statistics, std::size_t dim) noexcept;

// Joins the open block and writes the population standard deviation; `statistics.mean` is the mean then.
void finish_statistics(Statistics& statistics, std::size_t dim, double* std) noexcept;

}  // namespace glovestore
