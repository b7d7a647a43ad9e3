// Unaligned loads and byte order. The store and XXH64 are little-endian; compilers turn each of these into one load.
#pragma once

#include <cstddef>
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

// Reading a few bytes more than there are, and dropping them, takes no branch on how many there are; in the page of the
// first byte it cannot fault. The sanitizers, which know nothing of pages, are told to look away.
#if defined(__GNUC__)
#define GLOVESTORE_READS_BEYOND __attribute__((no_sanitize("address", "thread")))
#else
#define GLOVESTORE_READS_BEYOND
#endif

constexpr std::size_t smallest_page = 4096;

inline bool share_a_page(const void* first, std::size_t size) noexcept {
    return reinterpret_cast<std::uintptr_t>(first) % smallest_page <= smallest_page - size;
}

// The first `size` < 8 bytes, the others zero.
GLOVESTORE_READS_BEYOND inline std::uint64_t load_few(const unsigned char* p, std::size_t size) noexcept {
    std::uint64_t x = 0;
    if (share_a_page(p, 8)) {
        std::memcpy(&x, p, sizeof x);  // not load_u64, which the sanitizers look at where it is not inlined
        return to_little_endian(x) & ((std::uint64_t{1} << 8 * size) - 1);
    }
    for (std::size_t i = 0; i < size; ++i) x |= std::uint64_t{p[i]} << 8 * i;
    return x;
}

}  // namespace glovestore
