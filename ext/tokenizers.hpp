// Tokenizers: a text in, its tokens out. The rules stand in glovestore/vocabulary/tokenizers.py.
#pragma once

#include <cstddef>
#include <vector>

#include "buffer.hpp"
#include "lower_case.hpp"
#include "token_view.hpp"

namespace glovestore {

enum class Tokenizer { keras, whitespace, glove };

// One per thread: the memory of one text serves the next.
class TextSplitter {
public:
    // `lower` stays with the caller; without pages, texts must be ASCII (for Tokenizer::whitespace any will do).
    TextSplitter(Tokenizer kind, const LowerCase& lower) : kind_(kind), lower_(lower) {}

    // Splits a text as encode_utf8 writes it. The views point into memory of this object, or that never changes, and hold until
    // the next call. Throws nothing but std::bad_alloc.
    const std::vector<TokenView>& split(const unsigned char* text, std::size_t size);

private:
    Tokenizer kind_;
    LowerCase lower_;
    Buffer<unsigned char> characters_;  // the text, lower-cased or otherwise prepared
    std::vector<TokenView> tokens_;       // what stands between spaces
    // Only for Tokenizer::glove, which splits further.
    Buffer<std::uint64_t> marks_;
    std::vector<TokenView> split_tokens_;
};

}  // namespace glovestore
