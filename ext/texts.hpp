// Texts of a caller, some of them tokenised already, and the tokens of one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "strings.hpp"
#include "token_view.hpp"
#include "tokenizers.hpp"

namespace glovestore {

// Text i is string i. Or, with `starts` (count + 1,), it is made of strings starts[i] to starts[i + 1] - 1: its tokens if
// is_tokenised[i], one text if not. No string is none. Borrowed. `size` tells
// about how many bytes it is together.
struct GivenTexts {
    const Strings* strings;
    const std::int64_t* starts;
    const unsigned char* is_tokenised;
    std::size_t count;
    std::size_t size;
};

// One thread's way through a block.
class TextReader {
public:
    TextReader(const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower)
        : texts_(texts), splitter_(tokenizer, lower), views_(texts_at_a_time) {}

    // Calls visit(tokens, number of tokens) for texts begin to end - 1; the tokens are valid until it returns.
    template <class Visit>
    void each(std::size_t begin, std::size_t end, const Visit& visit) {
        if (texts_.starts) {
            for (std::size_t i = begin; i < end; ++i) visit_one(i, visit);
            return;
        }
        for (std::size_t first = begin; first < end; first += texts_at_a_time) {
            const std::size_t count = std::min(texts_at_a_time, end - first);
            texts_.strings->read(first, count, views_.data(), scratch_);
            for (std::size_t i = 0; i < count; ++i) split(views_[i], visit);
        }
    }

private:
    static constexpr std::size_t texts_at_a_time = 32;

    template <class Visit>
    void visit_one(std::size_t i, const Visit& visit) {
        const auto first = static_cast<std::size_t>(texts_.starts[i]);
        const std::size_t count = static_cast<std::size_t>(texts_.starts[i + 1]) - first;
        if (views_.size() < count) views_.resize(count);
        texts_.strings->read(first, count, views_.data(), scratch_);
        if (texts_.is_tokenised[i]) {
            visit(static_cast<const TokenView*>(views_.data()), count);
        } else {
            split(views_[0], visit);
        }
    }

    template <class Visit>
    void split(const TokenView& text, const Visit& visit) {
        const std::vector<TokenView>& tokens = splitter_.split(text.bytes, text.size);
        visit(tokens.data(), tokens.size());
    }

    const GivenTexts& texts_;
    TextSplitter splitter_;
    Scratch scratch_;
    std::vector<TokenView> views_;
};

// How many strings are UTF-8, before the first that is not, or is none; how many bytes they have together, and how many
// bytes a code point of theirs needs as CPython keeps a str: 0 if all are ASCII, 2, or 4.
struct TextCheck {
    std::size_t good, bytes;
    int width;
};
TextCheck check_texts(const Strings& strings);

}  // namespace glovestore
