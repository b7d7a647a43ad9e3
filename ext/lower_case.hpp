// Code point -> lower case, as str.lower of the running Python has it. Python fills the table once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "utf8.hpp"

namespace glovestore {

constexpr std::size_t lower_case_pages = 0x1100;  // of 256 code points: all of Unicode

// Borrowed. The entry of a code point: what to add to it to get its lower case, times 8, with these bits below. Without
// pages only ASCII may be asked for.
enum : std::int32_t { is_cased = 1, is_case_ignorable = 2, is_special = 4 };
struct LowerCase {
    const std::uint16_t* pages = nullptr;   // (lower_case_pages,): the row of entries for the code points from page * 256 on
    const std::int32_t* entries = nullptr;  // (rows, 256)

    std::int32_t entry(std::uint32_t point) const noexcept {
        const std::size_t page = point >> 8;  // of a text that others change meanwhile it may be any
        return entries[std::size_t{pages[page < lower_case_pages ? page : 0]} << 8 | (point & 0xFF)];
    }
};

// Writes the lower case of a special character, the one at text[at:].
unsigned char* put_special_lower_case(const LowerCase& lower, const unsigned char* text, std::size_t size, std::size_t at,
                                      unsigned char* out) noexcept;

// Writes the lower case of the character at text[at:], which is not ASCII, and returns the place behind it; at most twice as
// many bytes as the character has.
inline unsigned char* put_lower_case(const LowerCase& lower, const unsigned char* text, std::size_t size, std::size_t at,
                                     CodePoint character, unsigned char* out) noexcept {
    const std::int32_t entry = lower.entry(character.value);
    if (entry & is_special) return put_special_lower_case(lower, text, size, at, out);
    return put_utf8(character.value + static_cast<std::uint32_t>(entry >> 3), out);
}

}  // namespace glovestore
