#include "stored.hpp"

#include <algorithm>
#include <cstring>

#include "stored_loops.hpp"

namespace glovestore {

void decode_rows(const StoredVectors& from, std::size_t first, std::size_t count, float* out) noexcept {
    decode<PlainHalves>(from, first, count, out);
}

void encode_rows(const float* vectors, std::size_t rows, std::size_t dim, Stored dtype, void* out, float* scales) noexcept {
    encode<PlainHalves>(vectors, rows, dim, dtype, out, scales);
}

std::size_t first_beyond(const float* numbers, std::size_t count, Stored dtype) noexcept {
    constexpr std::uint32_t beyond = 0x477FF000;  // 65,520: the next one of half precision would be 2^16
    constexpr std::size_t block = 1024;
    if (dtype != Stored::float16) return count;
    for (std::size_t begin = 0; begin < count; begin += block) {
        const std::size_t end = std::min(begin + block, count);
        std::uint32_t found = 0;
        for (std::size_t i = begin; i < end; ++i) found |= (bits_of(numbers[i]) & 0x7FFFFFFF) >= beyond;
        for (std::size_t i = begin; found && i < end; ++i)
            if ((bits_of(numbers[i]) & 0x7FFFFFFF) >= beyond) return i;
    }
    return count;
}

}  // namespace glovestore
