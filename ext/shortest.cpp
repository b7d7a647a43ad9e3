#include "shortest.hpp"

#include <charconv>

#if !defined(__cpp_lib_to_chars)
#include <cstdio>
#include <cstdlib>
#endif

namespace glovestore {
namespace {

using namespace spelling;

// --- nine digits -----------------------------------------------------------------------------------------------------

// Eight decimal digits, the first in the lowest byte: halves, then pairs, then tens and units of all pairs at once.
std::uint64_t split_eight(std::uint32_t w) noexcept {
    const std::uint64_t halves = w / 10000 | std::uint64_t{w % 10000} << 32;
    const std::uint64_t hundreds = halves * 10486 >> 20 & 0x0000007F0000007F;  // 10486 / 2^20 is 1 / 100 for four digits
    const std::uint64_t pairs = hundreds | (halves - hundreds * 100) << 16;
    const std::uint64_t tens = pairs * 103 >> 10 & 0x000F000F000F000F;
    return tens | (pairs - tens * 10) << 8;
}

// The whole number nearest to v > 0, and whether that is too close to call: v has errors below 2^-22.
struct Rounded {
    std::int64_t w;
    bool unsure;
};

inline Rounded rounded(double v) noexcept {
    const auto w = static_cast<std::int64_t>(v + 0.5);  // NOLINT(bugprone-incorrect-roundings): v > 0
    const double rest = v + 0.5 - static_cast<double>(w);
    return {w, static_cast<bool>((rest < 1e-6) | (rest > 1 - 1e-6))};
}

// x in nine digits, zeros behind, 10^8 <= w < 10^9; -1 for what has to be looked at more carefully. For 1e-3 <= x < 1000
// that has more than six digits.
//
// A decimal stands for x if it is within half a step of it, on either side alike unless x is a power of two, where the steps
// change. So if any decimal of n digits does, the nearest does, and the fewest digits are found by trying 7, 8, 9. Which it
// is nobody can predict: no branches.
std::int64_t nine_digits(float x, int decade) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const int places = 14 - decade;
    const double v = x;
    const Rounded seven = rounded(v * ten[places - 2]), eight = rounded(v * ten[places - 1]), nine = rounded(v * ten[places]);
    const std::int64_t is_seven = -std::int64_t{stands_for(seven.w, places - 2, x)};
    const std::int64_t is_eight = -std::int64_t{stands_for(eight.w, places - 1, x)};
    const std::int64_t w = (eight.w * 10 & is_eight) | (nine.w & ~is_eight);
    const bool unsure = ((bits & 0x7FFFFF) == 0) | seven.unsure | eight.unsure | nine.unsure;
    return unsure ? -1 : (seven.w * 100 & is_seven) | (w & ~is_seven);
}

char* write_nine(char* out, std::int64_t w, int decade) noexcept {
    constexpr std::uint64_t zeros = 0x3030303030303030u;
    const auto first = static_cast<char>('0' + w / 100000000);
    const std::uint64_t rest = split_eight(static_cast<std::uint32_t>(w % 100000000));
    const int count = 8 - __builtin_clzll(rest) / 8;
    if (decade < 6) {
        store(out, 0x3030303030302E30u);
        out += 7 - decade;
        *out = first;
        store(out + 1, rest | zeros);
        return out + 1 + count;
    }
    const int whole = decade - 6;  // digits before the dot behind the first one
    *out = first;
    store(out + 1, rest | zeros);
    out[whole + 1] = '.';
    store(out + whole + 2, rest >> 8 * whole | zeros);
    return out + 2 + count;
}

// --- any number ------------------------------------------------------------------------------------------------------

constexpr int lowest_plain = -10, highest_plain = 8;  // exponents of what is written without one
constexpr int most_digits = 9;

// d.ddd * 10^exponent; the last digit is not 0.
struct Decimal {
    char digits[most_digits];
    int count;
    int exponent;
};

// Writes x > 0 as "d.ddde-12" and returns the end. The buffer takes 32 bytes.
char* write_scientific(char* out, float x) noexcept {
#if defined(__cpp_lib_to_chars)
    return std::to_chars(out, out + 32, x, std::chars_format::scientific).ptr;
#else
    // Libraries without to_chars for floats (libc++ before 20). Each attempt is the nearest decimal of its length; what the
    // locale takes for the dot is the same for both functions.
    int size = 0;
    for (int places = 0; places < most_digits; ++places) {
        size = std::snprintf(out, 32, "%.*e", places, static_cast<double>(x));
        if (std::strtof(out, nullptr) == x) break;
    }
    return out + size;
#endif
}

Decimal shortest(float x) noexcept {
    char text[32];
    const char* const end = write_scientific(text, x);
    Decimal decimal{{}, 0, 0};
    const char* p = text;
    for (; *p != 'e'; ++p)
        if (*p >= '0' && *p <= '9' && decimal.count < most_digits) decimal.digits[decimal.count++] = *p;
    const bool negative = *++p == '-';
    while (++p < end) decimal.exponent = decimal.exponent * 10 + (*p - '0');
    if (negative) decimal.exponent = -decimal.exponent;
    return decimal;
}

char* put(char* out, const char* bytes, int count) noexcept {
    std::memcpy(out, bytes, static_cast<std::size_t>(count));
    return out + count;
}

char* put_zeros(char* out, int count) noexcept {
    std::memset(out, '0', static_cast<std::size_t>(count));
    return out + count;
}

// The digits with a dot behind the first `whole` of them, if any are left then.
char* put_with_dot(char* out, const Decimal& decimal, int whole) noexcept {
    out = put(out, decimal.digits, whole);
    if (decimal.count == whole) return out;
    *out++ = '.';
    return put(out, decimal.digits + whole, decimal.count - whole);
}

char* put_exponent(char* out, int exponent) noexcept {
    const int size = exponent < 0 ? -exponent : exponent;
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    *out++ = static_cast<char>('0' + size / 10);
    *out++ = static_cast<char>('0' + size % 10);
    return out;
}

}  // namespace

char* write_decimal(char* out, float x) noexcept {
    if (x == 0) return put_zeros(out, 1);
    if (x >= decade_begin[3] && x < decade_begin[9]) {
        const int decade = decade_of(x);
        const std::int64_t w = nine_digits(x, decade);
        if (w >= 0) return write_nine(out, w, decade);
    }
    const Decimal decimal = shortest(x);
    const int exponent = decimal.exponent;
    if (exponent < lowest_plain || exponent > highest_plain) return put_exponent(put_with_dot(out, decimal, 1), exponent);
    if (exponent < 0) {
        *out++ = '0';
        *out++ = '.';
        return put(put_zeros(out, -exponent - 1), decimal.digits, decimal.count);
    }
    if (exponent < decimal.count) return put_with_dot(out, decimal, exponent + 1);
    return put_zeros(put(out, decimal.digits, decimal.count), exponent + 1 - decimal.count);
}

}  // namespace glovestore
