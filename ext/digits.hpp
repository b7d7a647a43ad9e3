// Up to eight decimal digits at once, in one 64-bit register.
#pragma once

#include <cstdint>

#include "bytes.hpp"

namespace glovestore {

constexpr std::uint64_t power_of_ten[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

// "SIMD within a register": in x = bytes ^ '0', a byte is a digit's value if it is below 10. The result has the top bit set
// in each byte that is not; bytes do not carry into each other.
inline std::uint64_t not_digits(std::uint64_t x) noexcept {
    return (((x & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | x) & 0x8080808080808080u;
}

// The number that eight digits form, the lowest byte first. Three multiplications add up pairs, fours and eights (Daniel
// Lemire, "Quickly parsing eight digits", 2018).
inline std::uint64_t join_digits(std::uint64_t x) noexcept {
    x = x * 10 + (x >> 8);
    const std::uint64_t high = (x & 0x000000FF000000FFu) * 0x000F424000000064u;
    const std::uint64_t low = ((x >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u;
    return (high + low) >> 32;
}

struct Digits {
    std::uint64_t value;
    unsigned count;  // 0 to 8
};

// The decimal digits at p, eight at most. Reads 8 bytes.
inline Digits read_digits(const char* p) noexcept {
    const std::uint64_t x = load_u64(p) ^ 0x3030303030303030u;
    const std::uint64_t others = not_digits(x);
    if (others & 0x80) return {0, 0};
    const unsigned count = others == 0 ? 8 : static_cast<unsigned>(__builtin_ctzll(others)) / 8;
    return {join_digits(x << (64 - 8 * count)), count};  // leading zeros
}

}  // namespace glovestore
