// float32 to IEEE half precision and back, in integers: without branches, so that compilers make vectors of it, and
// without numbers below float32's normal ones, which a thread may be set to take for zero.
//
// A tier's file includes this behind its target pragma; see kernels_avx512.cpp for the reasons of that.
#include <cstdint>
#include <cstring>

namespace glovestore {
namespace {

inline std::uint32_t bits_of(float x) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline float float_of(std::uint32_t bits) noexcept {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// Rounds to nearest, ties to even; what is too large becomes infinity.
inline std::uint16_t to_float16(float x) noexcept {
    const std::uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
    // A number of at least 2^-14: another bias, 13 bits rounded away.
    const std::uint32_t normal = (size - (112u << 23) + 0xFFF + (size >> 13 & 1)) >> 13;
    // A smaller one is a multiple of 2^-24: adding 0.5, whose last bit is worth that, rounds it there.
    const std::uint32_t subnormal = bits_of(float_of(size) + 0.5f) - bits_of(0.5f);
    const std::uint32_t finite = size < (113u << 23) ? subnormal : normal;
    const std::uint32_t beyond = size > 0x7F800000 ? 0x7E00 : 0x7C00;  // 65,520 and more: infinity
    return static_cast<std::uint16_t>(sign | (size >= 0x477FF000 ? beyond : finite));
}

// Exact; a signalling NaN becomes a quiet one, as processors have it.
inline float from_float16(std::uint16_t half) noexcept {
    const std::uint32_t size = half & 0x7FFFu, sign = (half & 0x8000u) << 16;
    const std::uint32_t normal = (size << 13) + (112u << 23);
    // A multiple of 2^-24: the last bits of a number from 2^-14 on, less that.
    const std::uint32_t subnormal = bits_of(float_of((size << 13) | (113u << 23)) - float_of(113u << 23));
    const std::uint32_t beyond = (size << 13) | 0x7F800000 | (size > 0x7C00 ? 0x400000u : 0u);
    return float_of(sign | (size >= 0x7C00 ? beyond : size < 0x400 ? subnormal : normal));
}

}  // namespace
}  // namespace glovestore
