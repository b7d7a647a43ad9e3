// Vectors are finite: where one that is not stands in a batch of rows.
#pragma once

#include <cstddef>

namespace glovestore {

// The first row from `first` on that holds an infinity or a NaN, or `rows`.
std::size_t first_not_finite(const float* vectors, std::size_t rows, std::size_t dim, std::size_t first) noexcept;

}  // namespace glovestore
