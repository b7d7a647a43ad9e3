// Texts to ids: split, look up, write the id of each token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "recent_rows.hpp"
#include "texts.hpp"
#include "token_index.hpp"

namespace glovestore {

// How a row of a table of tokens becomes an id: row + shift. The tokens of `padding_row` and `unk_row` (absent: there is
// none) count as unknown, and those have `unk_id`; where that is `dropped`, they have no id.
struct IdRule {
    std::int64_t shift, padding_row, unk_row, unk_id;
};
constexpr std::int64_t dropped = -1;

// The tokens that have ids. Borrowed; all of it is safe on any content of index and table.
struct KnownTokens {
    IndexView index;
    TokenTable table;
    IdRule rule;
    bool escaped;  // the table's tokens are bytes, of which U+DC80 to U+DCFF stand for 80 to FF (surrogateescape)
};

// ids[i] = the id of tokens[i], or rule.unk_id. `recent` serves this index alone.
void find_ids(const KnownTokens& known, RecentRows& recent, const TokenView* tokens, std::size_t count, std::int64_t* ids);

// The row of an array of ids that a text is laid into: filled up with 0, or cut, on the left or on the right.
struct RowShape {
    std::size_t width;
    bool fill_left, cut_left;
};

// Row i of `out` (texts.count, width), int32 or int64, and lengths[i], the number of its ids after cutting. On up to
// `threads` threads; the result does not depend on their number.
template <class Id>
void encode_padded(const KnownTokens& known, const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower,
                   const RowShape& shape, Id* out, std::int64_t* lengths, std::size_t threads);

// The ids of any number of blocks of texts, nothing filled up or cut.
class RaggedIds {
public:
    void encode(const KnownTokens& known, const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower,
                std::size_t threads);
    std::size_t texts() const { return texts_; }
    std::size_t ids() const { return ids_; }
    std::size_t longest() const { return longest_; }

    // values (ids(),), offsets (texts() + 1,).
    void copy(std::int64_t* values, std::int64_t* offsets) const;

    // out (texts(), longest()), lengths (texts(),).
    template <class Id>
    void pad(bool fill_left, Id* out, std::int64_t* lengths) const;

private:
    struct Part {
        std::vector<std::int64_t> ids, lengths;
    };
    std::vector<Part> parts_;
    std::size_t texts_ = 0, ids_ = 0, longest_ = 0;
};

}  // namespace glovestore
