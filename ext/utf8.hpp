// UTF-8 from the code units of a Python str. Lone surrogates get their three bytes too (WTF-8), so every str has bytes,
// and different ones have different bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

// The most bytes of UTF-8 that a code unit of 1, 2 or 4 bytes may need.
constexpr std::size_t most_utf8_bytes(int width) noexcept { return width == 1 ? 2 : width == 2 ? 3 : 4; }

// Writes one code point, at most 0x10FFFF, and returns the place behind it.
inline unsigned char* put_utf8(std::uint32_t point, unsigned char* out) noexcept {
    if (point < 0x80) {
        *out++ = static_cast<unsigned char>(point);
    } else if (point < 0x800) {
        *out++ = static_cast<unsigned char>(0xC0 | point >> 6);
        *out++ = static_cast<unsigned char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *out++ = static_cast<unsigned char>(0xE0 | point >> 12);
        *out++ = static_cast<unsigned char>(0x80 | (point >> 6 & 0x3F));
        *out++ = static_cast<unsigned char>(0x80 | (point & 0x3F));
    } else {
        *out++ = static_cast<unsigned char>(0xF0 | point >> 18);
        *out++ = static_cast<unsigned char>(0x80 | (point >> 12 & 0x3F));
        *out++ = static_cast<unsigned char>(0x80 | (point >> 6 & 0x3F));
        *out++ = static_cast<unsigned char>(0x80 | (point & 0x3F));
    }
    return out;
}

struct CodePoint {
    std::uint32_t value;
    unsigned size;  // bytes
};

// Reads one code point. `text` must be what encode_utf8 writes: nothing is checked.
inline CodePoint get_utf8(const unsigned char* text) noexcept {
    const std::uint32_t lead = text[0];
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) return {(lead & 0x1F) << 6 | (text[1] & 0x3Fu), 2};
    if (lead < 0xF0) return {(lead & 0x0F) << 12 | (text[1] & 0x3Fu) << 6 | (text[2] & 0x3Fu), 3};
    return {(lead & 0x07) << 18 | (text[1] & 0x3Fu) << 12 | (text[2] & 0x3Fu) << 6 | (text[3] & 0x3Fu), 4};
}

// Encodes `length` code units of `width` bytes each: 1 (Latin-1), 2 (UCS-2) or 4 (UCS-4), as CPython keeps a str. `out` has
// room for length * most_utf8_bytes(width) bytes. Returns the number of bytes written.
std::size_t encode_utf8(const void* code_units, int width, std::size_t length, unsigned char* out) noexcept;

// The number of bytes before the first sequence that is not UTF-8 (lone surrogates are not), or `size`. What comes from others,
// such as an Arrow array, has to pass here before get_utf8 sees it.
std::size_t valid_utf8(const unsigned char* text, std::size_t size) noexcept;

// The greatest byte, which tells whether there is a character beyond ASCII (from 80 on) or beyond the first plane (from F0 on).
unsigned char greatest_byte(const unsigned char* bytes, std::size_t size) noexcept;

// Whether there is a surrogate in what encode_utf8 wrote.
bool has_surrogate(const unsigned char* bytes, std::size_t size) noexcept;

}  // namespace glovestore
