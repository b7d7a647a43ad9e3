// Text -> float32, correctly rounded (to nearest, ties to even) for every decimal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "digits.hpp"

namespace glovestore {

enum class NumberStatus : unsigned char {
    ok,
    not_a_number,  // no number begins here: `end` is `begin`
    overflow,      // a number, but beyond the largest float32
};

struct Number {
    float value;  // meaningful when ok; an underflow is ok and gives a signed zero
    NumberStatus status;
    const char* end;
};

// How many bytes behind a number's end may be read (and are not used).
constexpr std::size_t number_padding = 16;

// Reads the longest number at `begin`: [+-] (digits [. [digits]] | . digits) [(e|E) [+-] digits]. Any length, any exponent:
// std::from_chars. The contract is that of parse_number.
Number parse_decimal(const char* begin) noexcept;

inline bool ends_field(char c) noexcept { return c == ' ' || c == '\n' || c == '\r'; }

// Every second number is negative, and no branch predictor knows which: set the bit.
inline float with_sign(float magnitude, bool negative) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &magnitude, sizeof bits);
    bits |= static_cast<std::uint32_t>(negative) << 31;
    std::memcpy(&magnitude, &bits, sizeof bits);
    return magnitude;
}

// Like parse_decimal, and faster for numbers of at most 3 integer digits and 11 digits after the dot.
Number parse_short_decimal(const char* begin) noexcept;

// Like parse_decimal, and fast for what vectors files are made of.
//
// The text must hold a byte that cannot belong to a number (a space, a newline) at or after `begin`, and `number_padding`
// readable bytes behind that byte. Infinity, NaN and hexadecimal are not numbers. "1e" is the number 1 with `end` at the e:
// whoever wants the field to be fully used compares `end`. Never throws, never allocates, no locale.
//
// Nearly all numbers are one digit, a dot and at most 7 digits. These are taken as 8, zeros behind: always w / 10^8, and
// rounded as parse_short_decimal explains.
inline Number parse_number(const char* begin) noexcept {
    const bool negative = *begin == '-';
    const char* const p = begin + negative;
    const unsigned units = static_cast<unsigned char>(p[0]) - unsigned{'0'};
    if (units > 9 || p[1] != '.') return parse_short_decimal(begin);

    const std::uint64_t x = load_u64(p + 2) ^ 0x3030303030303030u;
    const std::uint64_t others = not_digits(x);
    if (others == 0) return parse_short_decimal(begin);
    const std::uint64_t before_first_other = ((others & (~others + 1)) >> 7) - 1;
    const char* const end = p + 2 + static_cast<unsigned>(__builtin_ctzll(others)) / 8;
    if (!ends_field(*end)) return parse_short_decimal(begin);

    const unsigned whole = units * 100000000u;
    const auto w = static_cast<std::int64_t>(whole + join_digits(x & before_first_other));
    const auto magnitude = static_cast<float>(static_cast<double>(w) * 1e-8);
    return {with_sign(magnitude, negative), NumberStatus::ok, end};
}

}  // namespace glovestore
