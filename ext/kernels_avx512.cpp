// The tier for processors with AVX-512 and VBMI2 (Intel from Ice Lake, AMD from Zen 4 on).
//
// No -march: the instructions are allowed from the pragma on, behind every standard header, and everything behind it is in
// an anonymous namespace. So the linker can never take a function of this file for the generic code (nm shows no weak
// symbol with zmm or ymm registers).
#include "kernels.hpp"

#if defined(GLOVESTORE_X86_TIERS)

#include <cmath>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "number.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2"))), apply_to = function)
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 says it of its own _mm512_undefined_epi32
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,prefer-vector-width=512")
#endif

#include "strips.hpp"
#include "sums.hpp"

namespace glovestore {
namespace {

struct Avx512 {
    static Masks masks(const char* p) noexcept {
        const __m512i x = _mm512_loadu_si512(p);
        const std::uint64_t newlines = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
        const std::uint64_t spaces = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(' '));
        return {spaces | newlines,
                newlines,
                _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('.')),
                _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('-')),
                _mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('0')), _mm512_set1_epi8(10))};
    }

    // Writes base + the index of every set bit, and up to 63 entries more.
    static void append_positions(std::uint64_t bits, std::size_t base, std::uint16_t* out) noexcept {
        const __m512i index = _mm512_maskz_compress_epi8(bits, byte_index());
        const __m512i first = _mm512_set1_epi16(static_cast<short>(base));
        _mm512_storeu_si512(out, _mm512_add_epi16(first, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(index))));
        if (count_bits(bits) > 32)
            _mm512_storeu_si512(out + 32,
                                _mm512_add_epi16(first, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(index, 1))));
    }

    static void append_signs(std::uint64_t separators, std::uint64_t minus_follows, std::uint16_t* out) noexcept {
        const std::uint64_t signs = _pext_u64(minus_follows, separators);
        _mm512_storeu_si512(out, _mm512_movm_epi16(static_cast<__mmask32>(signs)));
        if (count_bits(separators) > 32) _mm512_storeu_si512(out + 32, _mm512_movm_epi16(static_cast<__mmask32>(signs >> 32)));
    }

    // Eight numbers, or the `count` first of them; false if one has not one or two integer digits, a dot, and at most eleven
    // digits more.
    static bool convert(const char* text, const std::uint16_t* separators, const std::uint16_t* signs,
                        const std::uint16_t* dots, std::size_t count, float* out) noexcept {
        const auto lanes = static_cast<__mmask8>(0xFFu >> (8 - count));
        const __m128i one = _mm_set1_epi16(1);
        const __m128i before = load_128(separators), end = load_128(separators + 1);
        const __m128i dot = load_128(dots), next_dot = load_128(dots + 1), negative = load_128(signs);
        const __m128i fraction = _mm_sub_epi16(_mm_sub_epi16(end, dot), one);
        const __m128i integer_less_1 = _mm_sub_epi16(_mm_add_epi16(_mm_sub_epi16(dot, before), negative), _mm_set1_epi16(2));
        const __mmask8 fits = _mm_cmple_epu16_mask(fraction, _mm_set1_epi16(11)) &
                              _mm_cmple_epu16_mask(integer_less_1, one) & _mm_cmpgt_epu16_mask(next_dot, end);
        if ((fits & lanes) != lanes) return false;

        const char* const p = text - 2;
        const __m512i even = four(p + dots[0], p + dots[2], p + dots[4], p + dots[6]);
        const __m512i odd = four(p + dots[1], p + dots[3], p + dots[5], p + dots[7]);
        const __m512i places = _mm512_castsi128_si512(fraction);
        const __m512i a = sum_fours(digits(even, _mm512_permutexvar_epi8(spread(0), places)));
        const __m512i b = sum_fours(digits(odd, _mm512_permutexvar_epi8(spread(2), places)));
        const __m512i halves = _mm512_madd_epi16(_mm512_packus_epi32(a, b), repeat(10000, 1, 100, 1));
        const __m512i w = _mm512_add_epi64(_mm512_mul_epu32(halves, _mm512_set1_epi64(1000000)), _mm512_srli_epi64(halves, 32));
        const __m256 magnitude = _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_cvtepi64_pd(w), _mm512_set1_pd(1e-11)));
        const __m256i sign = _mm256_slli_epi32(_mm256_cvtepu16_epi32(negative), 31);
        _mm256_mask_storeu_ps(out, lanes, _mm256_xor_ps(magnitude, _mm256_castsi256_ps(sign)));
        return true;
    }

private:
    static __m512i byte_index() noexcept {
        return _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39,
                               38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,
                               13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    }
    static __m128i load_128(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

    static __m512i four(const char* a, const char* b, const char* c, const char* d) noexcept {
        const __m256i ab = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(a)), load_128(b), 1);
        const __m256i cd = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(c)), load_128(d), 1);
        return _mm512_inserti64x4(_mm512_castsi256_si512(ab), cd, 1);
    }
    // first, first + 4, first + 8, first + 12: 16 times each
    static __m512i spread(int first) noexcept {
        const __m512i lanes = _mm512_set_epi32(12, 12, 12, 12, 8, 8, 8, 8, 4, 4, 4, 4, 0, 0, 0, 0);
        return _mm512_add_epi8(_mm512_mullo_epi32(lanes, _mm512_set1_epi32(0x01010101)), _mm512_set1_epi8(static_cast<char>(first)));
    }
    static __m512i repeat(short a, short b, short c, short d) noexcept {
        return _mm512_set4_epi32(d << 16 | c, b << 16 | a, d << 16 | c, b << 16 | a);
    }
    static __m512i digits(__m512i window, __m512i places) noexcept {
        const __m512i place = _mm512_broadcast_i32x4(_mm_setr_epi8(-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
        return _mm512_maskz_subs_epu8(_mm512_cmple_epi8_mask(place, places), window, _mm512_set1_epi8('0'));
    }
    static __m512i sum_fours(__m512i digits) noexcept {
        const __m512i ten = _mm512_broadcast_i32x4(_mm_setr_epi8(10, 1, 0, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 0, 0));
        const __m512i hundred = _mm512_broadcast_i32x4(_mm_setr_epi16(10, 1, 100, 1, 100, 1, 1, 0));
        return _mm512_madd_epi16(_mm512_maddubs_epi16(digits, ten), hundred);
    }
};

}  // namespace

const Kernels kernels_avx512{"avx512", parse_rows_in_strips<Avx512>, norms_of_rows, add_rows};

}  // namespace glovestore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#pragma GCC diagnostic pop
#endif

#endif
