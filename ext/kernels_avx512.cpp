// The tier for processors with AVX-512 and VBMI2 (Intel from Ice Lake, AMD from Zen 4 on). What it does: strips.hpp.
//
// There is no -march: the pragma allows the instructions, behind every header, for what follows it. That has internal
// linkage, so generic code cannot get hold of it (checked with nm and objdump, -O0 and -O3: the weak functions of this
// object have no register but the generic ones).
#include "kernels.hpp"

#if defined(GLOVESTORE_X86_TIERS)

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "number.hpp"

#if defined(__clang__)
#pragma clang attribute push(                                                                          \
    __attribute__((target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2"))), \
    apply_to = function)
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 says it of its own _mm512_undefined_epi32
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2")
#pragma GCC target("prefer-vector-width=512")  // for the loops of sums.hpp
#endif

#include "strips.hpp"
#include "fields.hpp"
#include "noise_loop.hpp"
#include "scores.hpp"
#include "stored_loops.hpp"
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

    static void append_positions(std::uint64_t bits, std::size_t base, std::uint16_t* out) noexcept {
        const __m512i index = _mm512_maskz_compress_epi8(bits, byte_numbers());
        const __m512i first = _mm512_set1_epi16(static_cast<short>(base));
        const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(index));
        _mm512_storeu_si512(out, _mm512_add_epi16(first, low));
        if (count_bits(bits) <= 32) return;
        const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(index, 1));
        _mm512_storeu_si512(out + 32, _mm512_add_epi16(first, high));
    }

    static void append_signs(std::uint64_t separators, std::uint64_t minus_follows, std::uint16_t* out) noexcept {
        const std::uint64_t signs = _pext_u64(minus_follows, separators);
        _mm512_storeu_si512(out, _mm512_movm_epi16(static_cast<__mmask32>(signs)));
        if (count_bits(separators) <= 32) return;
        _mm512_storeu_si512(out + 32, _mm512_movm_epi16(static_cast<__mmask32>(signs >> 32)));
    }

    static bool convert(const char* text, const std::uint16_t* separators, const std::uint16_t* signs,
                        const std::uint16_t* dots, std::size_t count, float* out) noexcept {
        const Fields fields = measure_fields(separators, signs, dots);
        const __mmask8 fits = _mm_cmple_epu16_mask(fields.places, _mm_set1_epi16(11)) &
                              _mm_cmple_epu16_mask(fields.more_digits, _mm_set1_epi16(1)) &
                              _mm_cmpgt_epu16_mask(fields.next_dot, fields.end);  // one dot only
        const auto wanted = static_cast<__mmask8>(0xFFu >> (8 - count));
        if ((fits & wanted) != wanted) return false;

        const char* const p = text - 2;
        const __m512i even = load_windows(p + dots[0], p + dots[2], p + dots[4], p + dots[6]);
        const __m512i odd = load_windows(p + dots[1], p + dots[3], p + dots[5], p + dots[7]);
        const __m512i fours_of_even = sum_fours(digits(even, spread(fields.places, 0)));
        const __m512i fours_of_odd = sum_fours(digits(odd, spread(fields.places, 1)));
        // Of each number, in turn: 7 digits, 6 digits.
        const __m512i halves = _mm512_madd_epi16(_mm512_packus_epi32(fours_of_even, fours_of_odd),
                                                 _mm512_set1_epi64(weights(10000, 1, 100, 1)));
        const __m512i high = _mm512_mul_epu32(halves, _mm512_set1_epi64(1000000));
        const __m512i w = _mm512_add_epi64(high, _mm512_srli_epi64(halves, 32));
        const __m256 value = _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_cvtepi64_pd(w), _mm512_set1_pd(1e-11)));
        const __m256i sign = _mm256_slli_epi32(_mm256_cvtepu16_epi32(fields.negative), 31);
        _mm256_mask_storeu_ps(out, wanted, _mm256_xor_ps(value, _mm256_castsi256_ps(sign)));
        return true;
    }

private:
    static __m512i byte_numbers() noexcept {
        alignas(64) static constexpr unsigned char numbers[64] = {
            0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
            22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
            44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
        return _mm512_load_si512(numbers);
    }

    static __m512i load_windows(const char* a, const char* b, const char* c, const char* d) noexcept {
        const __m256i ab = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(a)), load_128(b), 1);
        const __m256i cd = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(c)), load_128(d), 1);
        return _mm512_inserti64x4(_mm512_castsi256_si512(ab), cd, 1);
    }

    // The low bytes of places[first], places[first + 2], ...: each in the 16 bytes of its window.
    static __m512i spread(__m128i places, int first) noexcept {
        const __m512i windows = _mm512_and_si512(_mm512_srli_epi32(byte_numbers(), 2), _mm512_set1_epi8(0x0C));
        const __m512i bytes = _mm512_add_epi8(windows, _mm512_set1_epi8(static_cast<char>(2 * first)));
        return _mm512_permutexvar_epi8(bytes, _mm512_castsi128_si512(places));
    }

    // Bytes 0 to 2 + places of each window as digits, 0 behind them.
    static __m512i digits(__m512i windows, __m512i places) noexcept {
        const __m128i byte_less_2 = _mm_setr_epi8(-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
        const __mmask64 inside = _mm512_cmple_epi8_mask(_mm512_broadcast_i32x4(byte_less_2), places);
        return _mm512_maskz_subs_epu8(inside, windows, _mm512_set1_epi8('0'));
    }

    // Of each window: the integer and the first place, then 4, 4 and 2 places.
    static __m512i sum_fours(__m512i digits) noexcept {
        const __m128i pairs = _mm_setr_epi8(10, 1, 0, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 0, 0);
        const __m128i fours = _mm_setr_epi16(10, 1, 100, 1, 100, 1, 1, 0);
        return _mm512_madd_epi16(_mm512_maddubs_epi16(digits, _mm512_broadcast_i32x4(pairs)),
                                 _mm512_broadcast_i32x4(fours));
    }

    // Four 16-bit numbers as one of 64 bits.
    static constexpr long long weights(long long a, long long b, long long c, long long d) noexcept {
        return d << 48 | c << 32 | b << 16 | a;
    }
};

struct Lanes512 {
    using Vector = __m512;

    static __m512 zero() noexcept { return _mm512_setzero_ps(); }
    static __m512 load(const float* p) noexcept { return _mm512_loadu_ps(p); }
    static __m512 load_part(const float* p, std::size_t count) noexcept {
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
    }
    static __m512 spread(float x) noexcept { return _mm512_set1_ps(x); }
    static __m512 multiply_add(__m512 a, __m512 b, __m512 c) noexcept { return _mm512_fmadd_ps(a, b, c); }
    static float sum(__m512 x) noexcept { return _mm512_reduce_add_ps(x); }
    static unsigned not_below(__m512 scores, float scale, const float* thresholds) noexcept {
        return _mm512_cmp_ps_mask(_mm512_mul_ps(scores, _mm512_set1_ps(scale)), _mm512_loadu_ps(thresholds),
                                  _CMP_NLT_UQ);
    }
};

struct Halves512 {
    static void decode(const std::uint16_t* from, std::size_t count, float* out) noexcept {
        std::size_t i = 0;
        for (; i + 16 <= count; i += 16)
            _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i))));
        const auto left = static_cast<__mmask16>((1u << (count - i)) - 1);
        _mm512_mask_storeu_ps(out + i, left, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(left, from + i)));
    }
    static void encode(const float* from, std::size_t count, std::uint16_t* out) noexcept {
        std::size_t i = 0;
        for (; i + 16 <= count; i += 16)
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                                _mm512_cvtps_ph(_mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
        const auto left = static_cast<__mmask16>((1u << (count - i)) - 1);
        _mm256_mask_storeu_epi16(out + i, left,
                                 _mm512_cvtps_ph(_mm512_maskz_loadu_ps(left, from + i), _MM_FROUND_TO_NEAREST_INT));
    }
};

}  // namespace

const Kernels kernels_avx512{"avx512", parse_rows_in_strips<Avx512>, norms_of_rows, add_rows, noise,
                             score_block<Lanes512, 6, 4>, decode<Halves512>, encode<Halves512>};

}  // namespace glovestore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#pragma GCC diagnostic pop
#endif

#endif
