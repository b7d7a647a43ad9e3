// float32 -> text: the fewest digits that stand for it, and of those the nearest.
//
// There is one spelling. Digits stand as people write them, without an exponent, for 1e-10 <= |x| < 1e9: 0.25, -1, 120000,
// 0.0000043; beyond, with one: 1.5e+20, 1e-45. No dot without digits behind it, and zero is 0 or -0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bytes.hpp"

namespace glovestore {

// The longest is -0.000000000123456789; what is written while a number is spelled may be a few bytes more.
constexpr std::size_t longest_number = 24;

inline bool is_finite(float x) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return (bits & 0x7F800000) != 0x7F800000;
}

// Like write_number, for x >= 0 of any size and any number of digits.
char* write_decimal(char* out, float x) noexcept;

namespace spelling {

// Powers of ten: of a decade's lowest float, and of the places that let six digits stand before the dot.
constexpr float decade_begin[10] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1e0f, 1e1f, 1e2f, 1e3f};
constexpr double ten[12] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11};
constexpr double tenth[12] = {1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11};

// The decade in which [2^e, 2^(e+1)) begins, for e = -20 ... 9, from that of 1e-6 on, which is 0.
constexpr std::int8_t decade_of_exponent[30] = {-1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 8, 8, 8};

// The decade of x, 1e-6 <= x < 1000.
inline int decade_of(float x) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const int begins = decade_of_exponent[(bits >> 23) - 107];
    return begins + (x >= decade_begin[begins + 1]);
}

// Whether w / 10^places is nearest to x, in the same range: decimal.cpp, parse_short_decimal, for places <= 11.
inline bool stands_for(std::int64_t w, int places, float x) noexcept {
    return static_cast<float>(static_cast<double>(w) * tenth[places]) == x;
}

// Six decimal digits, the first in the lowest byte, each 0 to 9: pairs, then tens and units of all pairs at once.
inline std::uint64_t split(std::uint32_t w) noexcept {
    const std::uint64_t pairs = w / 10000 | std::uint64_t{w / 100 % 100} << 16 | std::uint64_t{w % 100} << 32;
    const std::uint64_t tens = pairs * 103 >> 10 & 0x000F000F000F;  // 103 / 1024 is 1 / 10 for two digits
    return tens | (pairs - tens * 10) << 8;
}

inline void store(char* out, std::uint64_t x) noexcept {
    x = to_little_endian(x);
    std::memcpy(out, &x, sizeof x);
}

}  // namespace spelling

// Writes a finite x and returns the end of it. There is room for `longest_number` bytes. Never throws, no locale.
//
// Nearly all numbers of published files have at most six digits. Two decimals of six digits are never nearest to the same
// float (FLT_DIG), so a decimal that short which x is nearest to is the only one, and so the shortest. Whether it is, is
// seen by going back, which is exact for 1e-6 <= x < 1000.
inline char* write_number(char* out, float x) noexcept {
    using namespace spelling;
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    *out = '-';
    out += bits >> 31;
    bits &= 0x7FFFFFFF;
    std::memcpy(&x, &bits, sizeof x);
    if (!(x >= decade_begin[0] && x < decade_begin[9])) return write_decimal(out, x);

    const int decade = decade_of(x), places = 11 - decade;
    const auto w = static_cast<std::int64_t>(double{x} * ten[places] + 0.5);  // NOLINT(bugprone-incorrect-roundings): x > 0
    if (!stands_for(w, places, x)) return write_decimal(out, x);

    const std::uint64_t digits = split(static_cast<std::uint32_t>(w));
    const int count = 8 - __builtin_clzll(digits) / 8;  // without zeros at the end
    constexpr std::uint64_t zeros = 0x3030303030303030u;
    if (decade < 6) {
        store(out, 0x3030303030302E30u);  // 0.000000
        store(out + 7 - decade, digits | zeros);
        return out + 7 - decade + count;
    }
    const int whole = decade - 5;
    store(out, digits | zeros);
    out[whole] = '.';
    store(out + whole + 1, digits >> 8 * whole | zeros);
    return out + (count > whole ? count + 1 : whole);
}

}  // namespace glovestore
