// How often each token stands in some texts: every token once, in the order in which they were first seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "recent_rows.hpp"
#include "texts.hpp"
#include "token_table.hpp"

namespace glovestore {

// What adds to it throws std::invalid_argument where thousands of tokens collide under every seed of the index, and
// std::overflow_error where the total passes int64; what it holds is of no use afterwards.
class CountedTokens {
public:
    explicit CountedTokens(std::uint64_t seeds = index_seeds) : tokens_(0, seeds) {}

    // Counts each of these tokens, none of which is none. `recent` serves this object alone.
    void add(const TokenView* tokens, std::size_t count, RecentRows& recent);
    void add(const CountedTokens& other);
    void add(const Strings& tokens, const std::int64_t* times);  // token i times[i] times

    TokenTable table() const { return tokens_.table(); }
    IndexView index() const { return tokens_.index(); }
    const std::vector<std::int64_t>& counts() const { return counts_; }
    std::int64_t total() const { return total_; }

private:
    void add_batch(const TokenView* tokens, std::size_t count, const std::int64_t* times, RecentRows& recent);

    GrowingTokens tokens_;
    std::vector<std::int64_t> counts_;
    std::int64_t total_ = 0;
};

// Counts the tokens of texts on up to `threads` threads; the result does not depend on their number.
void count_texts(const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower, std::size_t threads,
                 CountedTokens& counted);

}  // namespace glovestore
