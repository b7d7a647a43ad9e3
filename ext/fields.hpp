// Eight fields of a row by the places of their dots: how both tiers for x86 begin to convert them.
//
// A tier's file includes this one behind its target pragma; see kernels_avx512.cpp for the reasons of that.
namespace glovestore {
namespace {

inline __m128i load_128(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

// 16 bits for each field. What would be negative wraps round to a great number.
struct Fields {
    __m128i end;          // the separator behind it
    __m128i next_dot;     // beyond `end` if it has one dot only
    __m128i negative;     // all ones, or 0
    __m128i places;       // digits behind the dot
    __m128i more_digits;  // digits before the dot, less one
};

inline Fields measure_fields(const std::uint16_t* separators, const std::uint16_t* signs, const std::uint16_t* dots) noexcept {
    const __m128i dot = load_128(dots), end = load_128(separators + 1), negative = load_128(signs);
    const __m128i between = _mm_add_epi16(_mm_sub_epi16(dot, load_128(separators)), negative);
    return {end, load_128(dots + 1), negative, _mm_sub_epi16(_mm_sub_epi16(end, dot), _mm_set1_epi16(1)),
            _mm_sub_epi16(between, _mm_set1_epi16(2))};
}

}  // namespace
}  // namespace glovestore
