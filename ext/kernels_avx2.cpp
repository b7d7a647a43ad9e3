// The tier for processors with AVX2 and BMI2 (Intel from Haswell, AMD from Zen on; Zen 1 and 2 are slow at pext).
//
// The rules for compiling it are those of kernels_avx512.cpp.
#include "kernels.hpp"

#if defined(GLOVESTORE_X86_TIERS)

#include <cmath>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "number.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#include "strips.hpp"
#include "sums.hpp"

namespace glovestore {
namespace {

struct Avx2 {
    static Masks masks(const char* p) noexcept {
        const __m256i low = load_256(p), high = load_256(p + 32);
        const std::uint64_t newlines = equal(low, high, '\n');
        return {equal(low, high, ' ') | newlines,
                newlines,
                equal(low, high, '.'),
                equal(low, high, '-'),
                join(is_digit(low), is_digit(high))};
    }

    // Writes base + the index of every set bit, and up to `eager` entries more: nearly all words have no more than that, and
    // a loop that ends sooner would be predicted wrongly all the time.
    static void append_positions(std::uint64_t bits, std::size_t base, std::uint16_t* out) noexcept {
        constexpr int eager = 8;
        std::uint16_t* const end = out + count_bits(bits);
        for (int i = 0; i < eager; ++i) next_position(bits, base, out);
        while (out < end) next_position(bits, base, out);
    }

    static void append_signs(std::uint64_t separators, std::uint64_t minus_follows, std::uint16_t* out) noexcept {
        std::uint64_t signs = _pext_u64(minus_follows, separators);
        const std::size_t count = count_bits(separators);
        for (std::size_t i = 0; i < count; i += 16, signs >>= 16) {
            const __m256i bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768);
            const __m256i set = _mm256_and_si256(_mm256_set1_epi16(static_cast<short>(signs)), bit);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cmpeq_epi16(set, bit));
        }
    }

    // Eight numbers, or the `count` first of them; false if one has not one or two integer digits, a dot, and at most eleven
    // digits more.
    static bool convert(const char* text, const std::uint16_t* separators, const std::uint16_t* signs,
                        const std::uint16_t* dots, std::size_t count, float* out) noexcept {
        const __m128i one = _mm_set1_epi16(1);
        const __m128i before = load_128(separators), end = load_128(separators + 1);
        const __m128i dot = load_128(dots), next_dot = load_128(dots + 1), negative = load_128(signs);
        const __m128i fraction = _mm_sub_epi16(_mm_sub_epi16(end, dot), one);
        const __m128i integer_less_1 = _mm_sub_epi16(_mm_add_epi16(_mm_sub_epi16(dot, before), negative), _mm_set1_epi16(2));
        // Positions are below 2^15, so the signed comparison will do.
        const __m128i fits = _mm_and_si128(_mm_and_si128(below(fraction, 12), below(integer_less_1, 2)), _mm_cmpgt_epi16(next_dot, end));
        const unsigned lanes = 0xFFFFu >> (16 - 2 * count);
        if ((static_cast<unsigned>(_mm_movemask_epi8(fits)) & lanes) != lanes) return false;

        const char* const p = text - 2;
        const __m256i places = _mm256_permute4x64_epi64(_mm256_castsi128_si256(fraction), 0x50);  // numbers 0-3 | 4-7
        const __m256i a = sum_fours(digits(two(p + dots[0], p + dots[4]), places, 0));
        const __m256i b = sum_fours(digits(two(p + dots[1], p + dots[5]), places, 2));
        const __m256i c = sum_fours(digits(two(p + dots[2], p + dots[6]), places, 4));
        const __m256i d = sum_fours(digits(two(p + dots[3], p + dots[7]), places, 6));
        const __m256i halves = _mm256_setr_epi16(10000, 1, 100, 1, 10000, 1, 100, 1, 10000, 1, 100, 1, 10000, 1, 100, 1);
        const __m256 ab = _mm256_castsi256_ps(_mm256_madd_epi16(_mm256_packus_epi32(a, b), halves));
        const __m256 cd = _mm256_castsi256_ps(_mm256_madd_epi16(_mm256_packus_epi32(c, d), halves));
        const __m256i high = _mm256_castps_si256(_mm256_shuffle_ps(ab, cd, 0x88));
        const __m256i low = _mm256_castps_si256(_mm256_shuffle_ps(ab, cd, 0xDD));
        const __m256 magnitude = _mm256_set_m128(
            four_floats(_mm256_extracti128_si256(high, 1), _mm256_extracti128_si256(low, 1)),
            four_floats(_mm256_castsi256_si128(high), _mm256_castsi256_si128(low)));
        const __m256i sign = _mm256_slli_epi32(_mm256_cvtepu16_epi32(negative), 31);
        const __m256 value = _mm256_xor_ps(magnitude, _mm256_castsi256_ps(sign));
        if (count == 8) {
            _mm256_storeu_ps(out, value);
        } else {
            const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_maskstore_ps(out, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), index), value);
        }
        return true;
    }

private:
    static __m256i load_256(const char* p) noexcept { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static __m128i load_128(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

    static std::uint64_t join(__m256i low, __m256i high) noexcept {
        const auto first = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
        return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32 | first;
    }
    static std::uint64_t equal(__m256i low, __m256i high, char c) noexcept {
        const __m256i wanted = _mm256_set1_epi8(c);
        return join(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
    }
    static __m256i is_digit(__m256i x) noexcept {
        const __m256i digit = _mm256_sub_epi8(x, _mm256_set1_epi8('0'));
        return _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
    }
    // Volatile, for else GCC collects the positions in a register, by eight inserts.
    static void next_position(std::uint64_t& bits, std::size_t base, std::uint16_t*& out) noexcept {
        *static_cast<volatile std::uint16_t*>(out++) = static_cast<std::uint16_t>(base + _tzcnt_u64(bits));
        bits = _blsr_u64(bits);
    }
    // 0 <= x < limit, as signed numbers
    static __m128i below(__m128i x, short limit) noexcept {
        return _mm_cmpeq_epi16(_mm_min_epu16(x, _mm_set1_epi16(static_cast<short>(limit - 1))), x);
    }
    static __m256i two(const char* a, const char* b) noexcept {
        return _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(a)), load_128(b), 1);
    }
    static __m256i digits(__m256i window, __m256i places, char which) noexcept {
        const __m256i limit = _mm256_shuffle_epi8(places, _mm256_set1_epi8(which));
        const __m256i place = _mm256_broadcastsi128_si256(_mm_setr_epi8(-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
        return _mm256_and_si256(_mm256_subs_epu8(window, _mm256_set1_epi8('0')), _mm256_cmpgt_epi8(limit, place));
    }
    static __m256i sum_fours(__m256i digits) noexcept {
        const __m256i ten = _mm256_broadcastsi128_si256(_mm_setr_epi8(10, 1, 0, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 0, 0));
        const __m256i hundred = _mm256_broadcastsi128_si256(_mm_setr_epi16(10, 1, 100, 1, 100, 1, 1, 0));
        return _mm256_madd_epi16(_mm256_maddubs_epi16(digits, ten), hundred);
    }
    static __m128 four_floats(__m128i high, __m128i low) noexcept {
        const __m256d w = _mm256_add_pd(_mm256_mul_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(1e6)), _mm256_cvtepi32_pd(low));
        return _mm256_cvtpd_ps(_mm256_mul_pd(w, _mm256_set1_pd(1e-11)));
    }
};

}  // namespace

const Kernels kernels_avx2{"avx2", parse_rows_in_strips<Avx2>, norms_of_rows, add_rows};

}  // namespace glovestore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
