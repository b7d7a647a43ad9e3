// The rules of the tokenizer "glove" once a text is in lower case; they stand in glovestore/vocabulary/tokenizers.py.
#pragma once

#include <cstddef>
#include <vector>

#include "token_view.hpp"
#include "utf8.hpp"

namespace glovestore {

// Whether put_glove_replacement has to be asked: not about the letters of most alphabets.
inline bool may_be_punctuation(std::uint32_t point) noexcept {
    return point - 0xF8 >= 0x2010 - 0xF8 && point - 0x3012 >= 0xFF01 - 0x3012;
}

// Writes what stands for a character beyond ASCII that is punctuation: ASCII for quotes, hyphens, dashes and the ellipsis, the
// character between two spaces for the rest. Returns the place behind it, or nullptr for a character that counts as a letter.
unsigned char* put_glove_replacement(CodePoint character, unsigned char* out) noexcept;

// Splits the runs between the spaces of a text into tokens; it has no other white space, and a space behind its end. Bit
// i % 64 of marks[i / 64] says whether byte i is ASCII punctuation other than "_": runs without any are tokens.
void split_glove(TokenView text, const std::uint64_t* marks, const std::vector<TokenView>& runs,
                 std::vector<TokenView>& tokens);

}  // namespace glovestore
