// The tier for processors with AVX2 and BMI2 (Intel from Haswell, AMD from Zen on; Zen 1 and 2 are slow at pext).
// What it does: strips.hpp. How it is compiled: kernels_avx512.cpp.
#include "kernels.hpp"

#if defined(GLOVESTORE_X86_TIERS)

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "number.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c,fma,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,f16c,fma,bmi,bmi2,popcnt")
#endif

#include "strips.hpp"
#include "fields.hpp"
#include "noise_loop.hpp"
#include "scores.hpp"
#include "stored_loops.hpp"
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

    // Eight at once, for a loop that ends behind the last one would be mispredicted all the time: 64 bytes of a real file
    // hold seven or eight, and only 0.5 % of them more.
    static void append_positions(std::uint64_t bits, std::size_t base, std::uint16_t* out) noexcept {
        std::uint16_t* const end = out + count_bits(bits);
        for (int i = 0; i < 8; ++i) append_position(bits, base, out);
        while (out < end) append_position(bits, base, out);
    }

    static void append_signs(std::uint64_t separators, std::uint64_t minus_follows, std::uint16_t* out) noexcept {
        const __m256i bit =
            _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768);
        std::uint64_t signs = _pext_u64(minus_follows, separators);
        const std::size_t count = count_bits(separators);
        for (std::size_t i = 0; i < count; i += 16, signs >>= 16) {
            const __m256i set = _mm256_and_si256(_mm256_set1_epi16(static_cast<short>(signs)), bit);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cmpeq_epi16(set, bit));
        }
    }

    static bool convert(const char* text, const std::uint16_t* separators, const std::uint16_t* signs,
                        const std::uint16_t* dots, std::size_t count, float* out) noexcept {
        const Fields fields = measure_fields(separators, signs, dots);
        const __m128i one_dot = _mm_cmpgt_epi16(fields.next_dot, fields.end);  // positions are below 2^15
        const __m128i few_digits = _mm_and_si128(at_most(fields.places, 11), at_most(fields.more_digits, 1));
        const __m128i fits = _mm_and_si128(few_digits, one_dot);
        const unsigned wanted = 0xFFFFu >> (16 - 2 * count);
        if ((static_cast<unsigned>(_mm_movemask_epi8(fits)) & wanted) != wanted) return false;

        const char* const p = text - 2;
        const __m256i halves_of_places = _mm256_permute4x64_epi64(_mm256_castsi128_si256(fields.places), 0x50);  // 0-3 | 4-7
        const __m256i fours_0_4 = sum_fours(digits(load_windows(p + dots[0], p + dots[4]), halves_of_places, 0));
        const __m256i fours_1_5 = sum_fours(digits(load_windows(p + dots[1], p + dots[5]), halves_of_places, 1));
        const __m256i fours_2_6 = sum_fours(digits(load_windows(p + dots[2], p + dots[6]), halves_of_places, 2));
        const __m256i fours_3_7 = sum_fours(digits(load_windows(p + dots[3], p + dots[7]), halves_of_places, 3));
        const __m256 numbers_01_45 = sum_halves(fours_0_4, fours_1_5);
        const __m256 numbers_23_67 = sum_halves(fours_2_6, fours_3_7);
        const __m256i seven_digits = _mm256_castps_si256(_mm256_shuffle_ps(numbers_01_45, numbers_23_67, 0x88));
        const __m256i six_digits = _mm256_castps_si256(_mm256_shuffle_ps(numbers_01_45, numbers_23_67, 0xDD));
        const __m128 low = to_floats(_mm256_castsi256_si128(seven_digits), _mm256_castsi256_si128(six_digits));
        const __m128 high =
            to_floats(_mm256_extracti128_si256(seven_digits, 1), _mm256_extracti128_si256(six_digits, 1));
        const __m256i sign = _mm256_slli_epi32(_mm256_cvtepu16_epi32(fields.negative), 31);
        store(_mm256_xor_ps(_mm256_set_m128(high, low), _mm256_castsi256_ps(sign)), count, out);
        return true;
    }

private:
    static __m256i load_256(const char* p) noexcept { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

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
    // Volatile, for else GCC collects eight positions in a register, by inserts (scanning takes a quarter longer).
    static void append_position(std::uint64_t& bits, std::size_t base, std::uint16_t*& out) noexcept {
        *static_cast<volatile std::uint16_t*>(out++) = static_cast<std::uint16_t>(base + _tzcnt_u64(bits));
        bits = _blsr_u64(bits);
    }

    static __m128i at_most(__m128i x, short limit) noexcept {
        return _mm_cmpeq_epi16(_mm_min_epu16(x, _mm_set1_epi16(limit)), x);
    }

    static __m256i load_windows(const char* a, const char* b) noexcept {
        return _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(a)), load_128(b), 1);
    }

    // Bytes 0 to 2 + places of the windows of numbers i and i + 4 as digits, 0 behind them.
    static __m256i digits(__m256i windows, __m256i halves_of_places, char i) noexcept {
        const __m256i places = _mm256_shuffle_epi8(halves_of_places, _mm256_set1_epi8(static_cast<char>(2 * i)));
        const __m128i byte_less_3 = _mm_setr_epi8(-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        const __m256i inside = _mm256_cmpgt_epi8(places, _mm256_broadcastsi128_si256(byte_less_3));
        return _mm256_and_si256(_mm256_subs_epu8(windows, _mm256_set1_epi8('0')), inside);
    }

    // Of each window: the integer and the first place, then 4, 4 and 2 places.
    static __m256i sum_fours(__m256i digits) noexcept {
        const __m128i pairs = _mm_setr_epi8(10, 1, 0, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 0, 0);
        const __m128i fours = _mm_setr_epi16(10, 1, 100, 1, 100, 1, 1, 0);
        return _mm256_madd_epi16(_mm256_maddubs_epi16(digits, _mm256_broadcastsi128_si256(pairs)),
                                 _mm256_broadcastsi128_si256(fours));
    }

    // Of each number, in turn: 7 digits, 6 digits.
    static __m256 sum_halves(__m256i a, __m256i b) noexcept {
        const __m128i halves = _mm_setr_epi16(10000, 1, 100, 1, 10000, 1, 100, 1);
        return _mm256_castsi256_ps(
            _mm256_madd_epi16(_mm256_packus_epi32(a, b), _mm256_broadcastsi128_si256(halves)));
    }

    // w as a double is a sum of two, for AVX2 converts no 64-bit integers; it is exact.
    static __m128 to_floats(__m128i seven_digits, __m128i six_digits) noexcept {
        const __m256d high = _mm256_mul_pd(_mm256_cvtepi32_pd(seven_digits), _mm256_set1_pd(1e6));
        const __m256d w = _mm256_add_pd(high, _mm256_cvtepi32_pd(six_digits));
        return _mm256_cvtpd_ps(_mm256_mul_pd(w, _mm256_set1_pd(1e-11)));
    }

    static void store(__m256 values, std::size_t count, float* out) noexcept {
        if (count == 8) return _mm256_storeu_ps(out, values);
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_maskstore_ps(out, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane), values);
    }
};

struct Lanes256 {
    struct Vector {
        __m256 low, high;
    };

    static Vector zero() noexcept { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
    static Vector load(const float* p) noexcept { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    static Vector load_part(const float* p, std::size_t count) noexcept {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i below = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
        if (count <= 8) return {_mm256_maskload_ps(p, below), _mm256_setzero_ps()};
        const __m256i beyond = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count - 8)), lane);
        return {_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, beyond)};
    }
    static Vector spread(float x) noexcept { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    static Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) noexcept {
        return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
    }
    static float sum(const Vector& x) noexcept {
        const __m256 eight = _mm256_add_ps(x.low, x.high);
        const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }
    static unsigned not_below(const Vector& scores, float scale, const float* thresholds) noexcept {
        const __m256 scales = _mm256_set1_ps(scale);
        const __m256 low = _mm256_cmp_ps(_mm256_mul_ps(scores.low, scales), _mm256_loadu_ps(thresholds), _CMP_NLT_UQ);
        const __m256 high =
            _mm256_cmp_ps(_mm256_mul_ps(scores.high, scales), _mm256_loadu_ps(thresholds + 8), _CMP_NLT_UQ);
        return static_cast<unsigned>(_mm256_movemask_ps(low)) | static_cast<unsigned>(_mm256_movemask_ps(high)) << 8;
    }
};

struct Halves256 {
    static void decode(const std::uint16_t* from, std::size_t count, float* out) noexcept {
        std::size_t i = 0;
        for (; i + 8 <= count; i += 8)
            _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
        for (; i < count; ++i) out[i] = from_float16(from[i]);
    }
    static void encode(const float* from, std::size_t count, std::uint16_t* out) noexcept {
        std::size_t i = 0;
        for (; i + 8 <= count; i += 8)
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                             _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
        for (; i < count; ++i) out[i] = to_float16(from[i]);
    }
};

}  // namespace

const Kernels kernels_avx2{"avx2", parse_rows_in_strips<Avx2>, norms_of_rows, add_rows, noise,
                           score_block<Lanes256, 6, 1>, decode<Halves256>, encode<Halves256>};

}  // namespace glovestore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
