#include "gather.hpp"

#include <cstring>

namespace glovestore {

std::size_t first_outside(const std::int64_t* rows, const std::int64_t* positions, std::size_t count, std::int64_t row_limit,
                          std::int64_t out_rows) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t target = positions ? positions[i] : static_cast<std::int64_t>(i);
        if (rows[i] >= row_limit || target < 0 || target >= out_rows) return i;
    }
    return count;
}

void gather(const float* vectors, std::size_t dim, const std::int64_t* rows, const std::int64_t* positions, std::size_t count,
            float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (rows[i] < 0) continue;
        const std::size_t target = positions ? static_cast<std::size_t>(positions[i]) : i;
        std::memcpy(out + target * dim, vectors + static_cast<std::size_t>(rows[i]) * dim, dim * sizeof(float));
    }
}

}  // namespace glovestore
