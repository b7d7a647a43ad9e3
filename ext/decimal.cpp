#include "number.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

#if !defined(__cpp_lib_to_chars)
#include <clocale>
#include <cstdlib>
#include <locale.h>
#endif

namespace glovestore {
namespace {

constexpr unsigned most_integer_digits = 3;
constexpr unsigned most_fraction_digits = 11;
constexpr double tenth[most_fraction_digits + 1] = {1e-0, 1e-1, 1e-2, 1e-3, 1e-4,  1e-5,
                                                    1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11};  // 10^-q

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

inline const char* skip_digits(const char* p) noexcept {
    while (is_digit(*p)) ++p;
    return p;
}

// The grammar alone: what is a number, where does it end, and how large is it about.
struct Shape {
    const char* digits;     // the first byte behind the sign
    const char* end;        // == digits when there is no number
    bool at_least_one;      // |value| >= 1, for telling overflow from underflow
};

// How many places left of the point the first non-zero digit stands: 1 for units, 0 for tenths. All zeros: 0.
std::int64_t places(const char* integer, const char* integer_end, const char* fraction, const char* fraction_end) noexcept {
    for (const char* p = integer; p < integer_end; ++p)
        if (*p != '0') return integer_end - p;
    for (const char* p = fraction; p < fraction_end; ++p)
        if (*p != '0') return fraction - p;
    return 0;
}

// A decimal exponent, saturated: beyond +-10^17 no text that fits into memory brings the value back into range.
std::int64_t read_exponent(const char* p, const char* end) noexcept {
    const bool negative = *p == '-';
    if (*p == '-' || *p == '+') ++p;
    std::int64_t exponent = 0;
    for (; p < end && exponent < 100'000'000'000'000'000; ++p) exponent = exponent * 10 + (*p - '0');
    return negative ? -exponent : exponent;
}

Shape read_shape(const char* begin) noexcept {
    const char* digits = begin + (*begin == '+' || *begin == '-');
    const char* integer_end = skip_digits(digits);
    const char* fraction = integer_end;
    const char* fraction_end = integer_end;
    if (*integer_end == '.') {
        fraction = integer_end + 1;
        fraction_end = skip_digits(fraction);
    }
    if (integer_end == digits && fraction_end == fraction) return {digits, digits, false};

    const char* end = fraction_end;
    std::int64_t exponent = 0;
    if (*end == 'e' || *end == 'E') {
        const char* first = end + 1 + (end[1] == '+' || end[1] == '-');
        if (is_digit(*first)) {
            const char* mantissa_end = end;
            end = skip_digits(first);
            exponent = read_exponent(mantissa_end + 1, end);
        }
    }
    return {digits, end, places(digits, integer_end, fraction, fraction_end) + exponent > 0};
}

// Rounds [begin, end), an unsigned number of the grammar above; false when the library calls it out of range.
bool round_to_float(const char* begin, const char* end, float& value) noexcept {
#if defined(__cpp_lib_to_chars)
    return std::from_chars(begin, end, value).ec == std::errc{};
#else
    // Libraries without from_chars for floats (libc++ before 20): the C function, which stops at `end` by itself.
    static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
    (void)end;
    value = strtof_l(begin, nullptr, c_locale);
    return value <= std::numeric_limits<float>::max();
#endif
}

}  // namespace

Number parse_decimal(const char* begin) noexcept {
    const Shape shape = read_shape(begin);
    if (shape.end == shape.digits) return {0.0f, NumberStatus::not_a_number, begin};
    float magnitude = 0.0f;
    // GCC reports overflow and underflow alike and leaves the value alone, here at 0; others return infinity.
    const bool in_range = round_to_float(shape.digits, shape.end, magnitude);
    if (magnitude > std::numeric_limits<float>::max() || (!in_range && shape.at_least_one))
        return {0.0f, NumberStatus::overflow, shape.end};
    return {*begin == '-' ? -magnitude : magnitude, NumberStatus::ok, shape.end};
}

// With at most 3 integer digits and q <= 11 digits after the dot, x = w / 10^q with w < 10^14, exact as a double. Then
// (float)((double)w * 1e-q) is correctly rounded. Let 2^e <= x < 2^(e+1), so e <= 9; the midpoints of neighbouring floats
// are multiples of 2^-(24-e).
//   * x is no midpoint: a dyadic x has at most q <= 11 binary places, a midpoint has 24 - e >= 15.
//   * So x is at least 1 / (5^q 2^(24-e)) away from one, and 5^11 < 2^26 makes that more than 2^(e-50).
//   * The product has two roundings, hence an error below 2^(e-51): it stays on its side of the midpoint.
// x may be written with zeros behind, so a greater w and q up to 11 do for it too: the SIMD tiers take q = 11 always.
Number parse_short_decimal(const char* begin) noexcept {
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
    if (!ends_field(*p)) return parse_decimal(begin);

    const auto digits = static_cast<double>(static_cast<std::int64_t>(w));  // signed: one instruction on x86
    const auto magnitude = static_cast<float>(digits * tenth[fraction_digits]);
    return {with_sign(magnitude, negative), NumberStatus::ok, p};
}

}  // namespace glovestore
