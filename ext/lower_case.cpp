#include "lower_case.hpp"

namespace glovestore {
namespace {

constexpr std::uint32_t combining_dot = 0x307;
constexpr std::uint32_t capital_sigma = 0x3A3, final_sigma = 0x3C2, small_sigma = 0x3C3;

bool is_continuation(unsigned char byte) noexcept { return (byte & 0xC0) == 0x80; }

// Whether the next character that is not case-ignorable, before or behind, is cased. Entries have the bits of ASCII too.
bool cased_before(const LowerCase& lower, const unsigned char* text, std::size_t at) noexcept {
    while (at > 0) {
        do at--;
        while (is_continuation(text[at]));
        const std::int32_t entry = lower.entry(get_utf8(text + at).value);
        if (!(entry & is_case_ignorable)) return entry & is_cased;
    }
    return false;
}

bool cased_behind(const LowerCase& lower, const unsigned char* text, std::size_t size, std::size_t at) noexcept {
    while (at < size) {
        const CodePoint next = get_utf8(text + at);
        const std::int32_t entry = lower.entry(next.value);
        if (!(entry & is_case_ignorable)) return entry & is_cased;
        at += next.size;
    }
    return false;
}

}  // namespace

unsigned char* put_special_lower_case(const LowerCase& lower, const unsigned char* text, std::size_t size, std::size_t at,
                                      unsigned char* out) noexcept {
    const CodePoint character = get_utf8(text + at);
    if (character.value != capital_sigma) return put_utf8(combining_dot, put_utf8('i', out));  // U+0130
    const bool is_final = cased_before(lower, text, at) && !cased_behind(lower, text, size, at + character.size);
    return put_utf8(is_final ? final_sigma : small_sigma, out);
}

}  // namespace glovestore
