#include "utf8.hpp"

#include <cstring>

#include "bytes.hpp"

namespace glovestore {
namespace {

constexpr std::size_t at_once = 16;  // ASCII is recognised and copied in so many units: compilers make vectors of it

template <class Unit>
bool is_ascii(const Unit* units) noexcept {
    Unit all = 0;
    for (std::size_t i = 0; i < at_once; i++) all = static_cast<Unit>(all | units[i]);
    return all < 0x80;
}

template <class Unit>
std::size_t encode(const Unit* units, std::size_t length, unsigned char* out) noexcept {
    const unsigned char* const begin = out;
    const Unit* const end = units + length;
    while (units != end) {
        while (static_cast<std::size_t>(end - units) >= at_once && is_ascii(units)) {
            for (std::size_t i = 0; i < at_once; i++) out[i] = static_cast<unsigned char>(units[i]);
            units += at_once;
            out += at_once;
        }
        const auto left = static_cast<std::size_t>(end - units);
        for (const Unit* const stop = units + (left < at_once ? left : at_once); units != stop; units++)
            out = put_utf8(*units, out);
    }
    return static_cast<std::size_t>(out - begin);
}

bool is_continuation(unsigned char byte) noexcept { return (byte & 0xC0) == 0x80; }

// The bytes of the sequence at `text`, which is not ASCII, or 0 if it is none: table 3-7 of the Unicode standard.
std::size_t sequence_size(const unsigned char* text, std::size_t left) noexcept {
    const unsigned char lead = text[0];
    const std::size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (size == 0 || left < size) return 0;
    for (std::size_t i = 1; i < size; i++)
        if (!is_continuation(text[i])) return 0;
    const unsigned char least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  // below: longer than need be
    const unsigned char most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;   // above: a surrogate, or no code point
    return least <= text[1] && text[1] <= most ? size : 0;
}

}  // namespace

unsigned char greatest_byte(const unsigned char* bytes, std::size_t size) noexcept {
    unsigned char greatest = 0;
    for (std::size_t i = 0; i < size; ++i) greatest = greatest < bytes[i] ? bytes[i] : greatest;
    return greatest;
}

// A surrogate is ED A0..BF xx.
bool has_surrogate(const unsigned char* bytes, std::size_t size) noexcept {
    while (size > 1) {
        const void* found = std::memchr(bytes, 0xED, size - 1);
        if (!found) return false;
        const auto* lead = static_cast<const unsigned char*>(found);
        if (lead[1] >= 0xA0) return true;
        size -= static_cast<std::size_t>(lead + 1 - bytes);
        bytes = lead + 1;
    }
    return false;
}

std::size_t encode_utf8(const void* code_units, int width, std::size_t length, unsigned char* out) noexcept {
    if (width == 1) return encode(static_cast<const std::uint8_t*>(code_units), length, out);
    if (width == 2) return encode(static_cast<const std::uint16_t*>(code_units), length, out);
    return encode(static_cast<const std::uint32_t*>(code_units), length, out);
}

std::size_t valid_utf8(const unsigned char* text, std::size_t size) noexcept {
    std::size_t at = 0;
    while (at < size) {
        while (size - at >= 8 && !(load_u64(text + at) & 0x8080808080808080u)) at += 8;
        for (const std::size_t stop = size - at < 8 ? size : at + 8; at < stop;) {
            const std::size_t step = text[at] < 0x80 ? 1 : sequence_size(text + at, size - at);
            if (step == 0) return at;
            at += step;
        }
    }
    return size;
}

}  // namespace glovestore
