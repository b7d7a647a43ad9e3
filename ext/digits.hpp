// Up to eight decimal digits at once, in one 64-bit register.
#pragma once

#include <cstdint>

#include "bytes.hpp"

namespace glovestore {

constexpr std::uint64_t power_of_ten[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

struct Digits {
    std::uint64_t value;
    unsigned count;  // 0 to 8
};

// The decimal digits at p, eight at most. Reads 8 bytes.
//
// "SIMD within a register": with x = bytes ^ '0', a byte of x is a digit's value if it is below 10; the first one that is
// not gives the count. Shifting the digits to the top leaves zeros, that is leading zeros, in front, and three
// multiplications add up pairs, fours and eights (Daniel Lemire, "Quickly parsing eight digits", 2018).
inline Digits read_digits(const char* p) noexcept {
    const std::uint64_t x = load_u64(p) ^ 0x3030303030303030u;
    const std::uint64_t others = (((x & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | x) & 0x8080808080808080u;
    if (others & 0x80) return {0, 0};
    const unsigned count = others == 0 ? 8 : static_cast<unsigned>(__builtin_ctzll(others)) / 8;
    std::uint64_t v = x << (64 - 8 * count);
    v = v * 10 + (v >> 8);
    v = (((v & 0x000000FF000000FFu) * 0x000F424000000064u) + (((v >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >> 32;
    return {v, count};
}

}  // namespace glovestore
