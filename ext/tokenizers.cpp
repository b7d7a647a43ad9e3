#include "tokenizers.hpp"

#include <cstring>

#include "bytes.hpp"

namespace glovestore {
namespace {

constexpr std::size_t block = 64;  // bytes of which the spaces are found together: a bit each

// What a tokenizer that splits at spaces makes of ASCII. Plain arithmetic, so that compilers make vectors of it.
struct KerasRules {
    static unsigned char ascii(unsigned char byte) noexcept {
        const bool is_letter = static_cast<unsigned char>((byte | 0x20) - 'a') < 26;
        const bool is_filter = (byte > ' ' && byte < 0x7F && !is_letter && static_cast<unsigned char>(byte - '0') > 9 &&
                                byte != '\'') || byte == '\t' || byte == '\n';
        return is_letter ? byte | 0x20 : is_filter ? ' ' : byte;
    }
};

struct WhitespaceRules {
    static unsigned char ascii(unsigned char byte) noexcept {
        return static_cast<unsigned char>(byte - 0x09) < 5 || static_cast<unsigned char>(byte - 0x1C) < 4 ? ' ' : byte;
    }
};

}  // namespace
}  // namespace glovestore
