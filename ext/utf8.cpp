#include "utf8.hpp"

#include <cstdint>

namespace glovestore {
namespace {

template <class CodePoint>
std::size_t encode(const CodePoint* points, std::size_t length, unsigned char* out) noexcept {
    unsigned char* to = out;
    const auto put = [&to](std::uint32_t byte) noexcept { *to++ = static_cast<unsigned char>(byte); };
    for (std::size_t i = 0; i < length; ++i) {
        const std::uint32_t point = points[i];
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
        } else if (point < 0x10000) {
            put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
        } else {
            put(0xF0 | (point >> 18 & 7)), put(0x80 | (point >> 12 & 0x3F));
            put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
        }
    }
    return static_cast<std::size_t>(to - out);
}

}  // namespace

std::size_t encode_utf8(const void* code_points, int width, std::size_t length, unsigned char* out) noexcept {
    if (width == 1) return encode(static_cast<const std::uint8_t*>(code_points), length, out);
    if (width == 2) return encode(static_cast<const std::uint16_t*>(code_points), length, out);
    return encode(static_cast<const std::uint32_t*>(code_points), length, out);
}

}  // namespace glovestore
