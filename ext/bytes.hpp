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

// Reading a few bytes more than there are, and dropping them, takes no branch on how many there are. In a page of which a
// byte may be read it cannot fault. The sanitizers know nothing of pages: under them, nothing more is read.
#if defined(__has_feature)
#define GLOVESTORE_IS_SANITIZED __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#else
#define GLOVESTORE_IS_SANITIZED 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || GLOVESTORE_IS_SANITIZED
constexpr bool reads_beyond = false;
#else
constexpr bool reads_beyond = true;
#endif

constexpr std::size_t smallest_page = 4096;

// Whether `count` bytes can be read at p, though fewer may be there, perhaps none: they stand in one page with the byte
// before p, which may be the last one there is. p points into memory, or just behind it.
inline bool can_read(const unsigned char* p, std::size_t count) noexcept {
    return reads_beyond && (reinterpret_cast<std::uintptr_t>(p) - 1) % smallest_page < smallest_page - count;
}

// The first `size` < 8 bytes, the others zero.
inline std::uint64_t load_few(const unsigned char* p, std::size_t size) noexcept {
    if (can_read(p, 8)) return load_u64(p) & ((std::uint64_t{1} << 8 * size) - 1);
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < size; ++i) x |= std::uint64_t{p[i]} << 8 * i;
    return x;
}

}  // namespace glovestore
