#include "shortest.hpp"

#include <charconv>

#if !defined(__cpp_lib_to_chars)
#include <cstdio>
#include <cstdlib>
#endif

namespace glovestore {
namespace {

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
