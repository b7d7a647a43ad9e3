#include "utf8.hpp"

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
        const std::size_t left = static_cast<std::size_t>(end - units);
        for (const Unit* const stop = units + (left < at_once ? left : at_once); units != stop; units++)
            out = put_utf8(*units, out);
    }
    return static_cast<std::size_t>(out - begin);
}

}  // namespace

std::size_t encode_utf8(const void* code_units, int width, std::size_t length, unsigned char* out) noexcept {
    if (width == 1) return encode(static_cast<const std::uint8_t*>(code_units), length, out);
    if (width == 2) return encode(static_cast<const std::uint16_t*>(code_units), length, out);
    return encode(static_cast<const std::uint32_t*>(code_units), length, out);
}

}  // namespace glovestore
