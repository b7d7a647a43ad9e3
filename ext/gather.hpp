// Rows out of a matrix, into memory of the caller.
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

// Which of the `count` requests is outside: its position, or `count` when all rows are below `rows` and all targets
// are in [0, out_rows). Negative rows are allowed: they mean "absent". `positions` may be null: target i is i.
std::size_t first_outside(const std::int64_t* rows, const std::int64_t* positions, std::size_t count, std::int64_t row_limit,
                          std::int64_t out_rows) noexcept;

// out[positions[i]] = vectors[rows[i]] for the requests with rows[i] >= 0; the others leave `out` as it is. The requests
// have passed first_outside; `vectors` (.., dim) and `out` (.., dim) do not overlap.
void gather(const float* vectors, std::size_t dim, const std::int64_t* rows, const std::int64_t* positions, std::size_t count,
            float* out) noexcept;

}  // namespace glovestore
