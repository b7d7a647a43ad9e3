// Unaligned loads and byte order. The store and XXH64 are little-endian; compilers turn each of these into one load.
#pragma once

#include <cstdint>
#include <cstring>

namespace glovestore {

inline std::uint64_t to_little_endian(std::uint64_t x) noexcept {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(x);
#else
    return x;
#endif
}

inline std::uint64_t load_u64(const void* p) noexcept {
    std::uint64_t x;
    std::memcpy(&x, p, sizeof x);
    return to_little_endian(x);
}

inline std::uint32_t load_u32(const void* p) noexcept {
    std::uint32_t x;
    std::memcpy(&x, p, sizeof x);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap32(x);
#endif
    return x;
}

}  // namespace glovestore
