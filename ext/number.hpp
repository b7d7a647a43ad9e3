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

constexpr unsigned most_integer_digits = 3;
constexpr unsigned most_fraction_digits = 11;
constexpr double tenth[most_fraction_digits + 1] = {1e-0, 1e-1, 1e-2, 1e-3, 1e-4,  1e-5,
                                                    1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11};  // 10^-q

// Every second number is negative, and no branch predictor knows which: set the bit.
inline float with_sign(float magnitude, bool negative) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &magnitude, sizeof bits);
    bits |= static_cast<std::uint32_t>(negative) << 31;
    std::memcpy(&magnitude, &bits, sizeof bits);
    return magnitude;
}

// Like parse_decimal, and fast for what vectors files are made of.
//
// The text must hold a byte that cannot belong to a number (a space, a newline) at or after `begin`, and `number_padding`
// readable bytes behind that byte. Infinity, NaN and hexadecimal are not numbers. "1e" is the number 1 with `end` at the e:
// whoever wants the field to be fully used compares `end`. Never throws, never allocates, no locale.
//
// Nearly every number has 1 to 3 integer digits and q <= 11 digits after the dot: x = w / 10^q with w < 10^14, exact as a
// double. For these (float)((double)w * 1e-q) is correctly rounded. Let 2^e <= x < 2^(e+1), so e <= 9; the midpoints of
// neighbouring floats are multiples of 2^-(24-e).
//   * x is no midpoint: a dyadic x has at most q <= 11 binary places, a midpoint has 24 - e >= 15.
//   * So x is at least 1 / (5^q 2^(24-e)) away from one, and 5^11 < 2^26 makes that more than 2^(e-50).
//   * The product has two roundings, hence an error below 2^(e-51): it stays on its side of the midpoint.
inline Number parse_number(const char* begin) noexcept {
    const char* p = begin;
    const bool negative = *p == '-';
    p += negative;

    const char* const integer = p;
    std::uint64_t w = 0;
    for (unsigned digit; (digit = static_cast<unsigned char>(*p) - '0') < 10 && p - integer < 4; ++p) w = w * 10 + digit;
    if (static_cast<std::size_t>(p - integer) - 1 >= most_integer_digits) return parse_decimal(begin);

    unsigned fraction_digits = 0;
    if (*p == '.') {
        ++p;
        const Digits first = read_digits(p);
        w = w * power_of_ten[first.count] + first.value;
        p += first.count;
        fraction_digits = first.count;
        if (first.count == 8) {
            const Digits second = read_digits(p);
            fraction_digits += second.count;
            if (fraction_digits > most_fraction_digits) return parse_decimal(begin);
            w = w * power_of_ten[second.count] + second.value;
            p += second.count;
        }
    }
    if (*p != ' ' && *p != '\n' && *p != '\r') return parse_decimal(begin);

    const double digits = static_cast<double>(static_cast<std::int64_t>(w));  // signed: one instruction on x86
    const auto magnitude = static_cast<float>(digits * tenth[fraction_digits]);
    return {with_sign(magnitude, negative), NumberStatus::ok, p};
}

}  // namespace glovestore
