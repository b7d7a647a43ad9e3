#include "finite.hpp"

#include <cstdint>
#include <cstring>

namespace glovestore {

std::size_t first_not_finite(const float* vectors, std::size_t rows, std::size_t dim, std::size_t first) noexcept {
    constexpr std::uint32_t exponent = 0x7f800000;  // all ones: infinity or NaN
    for (std::size_t row = first; row < rows; ++row) {
        const float* const vector = vectors + row * dim;
        std::uint32_t found = 0;
        for (std::size_t i = 0; i < dim; ++i) {  // no way out of it: compilers make vector instructions of it
            std::uint32_t bits;
            std::memcpy(&bits, vector + i, sizeof bits);
            found |= (bits & exponent) == exponent;
        }
        if (found) return row;
    }
    return rows;
}

}  // namespace glovestore
