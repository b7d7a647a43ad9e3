#include "count.hpp"

#include <algorithm>
#include <stdexcept>

#include "lookup.hpp"
#include "parallel.hpp"

namespace glovestore {
namespace {

constexpr std::size_t batch = 64;

void count_part(const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower, std::size_t begin, std::size_t end,
                CountedTokens& counted) {
    TextReader reader(texts, tokenizer, lower);
    RecentRows recent(texts.size);
    reader.each(begin, end, [&](const TokenView* tokens, std::size_t count) { counted.add(tokens, count, recent); });
}

}  // namespace

void CountedTokens::add(const TokenView* tokens, std::size_t count, RecentRows& recent) {
    for (std::size_t first = 0; first < count; first += batch)
        add_batch(tokens + first, std::min(batch, count - first), nullptr, recent);
}

void CountedTokens::add(const CountedTokens& other) {
    const TokenTable table = other.table();
    TokenView tokens[batch];
    RecentRows none;
    for (std::size_t first = 0; first < table.rows; first += batch) {
        const std::size_t count = std::min<std::size_t>(batch, table.rows - first);
        for (std::size_t i = 0; i < count; ++i) tokens[i] = token_at(table, first + i);
        add_batch(tokens, count, other.counts_.data() + first, none);
    }
}

void CountedTokens::add(const Strings& tokens, const std::int64_t* times) {
    TokenView views[batch];
    Scratch scratch;
    RecentRows none;
    for (std::size_t first = 0; first < tokens.size(); first += batch) {
        const std::size_t count = std::min(batch, tokens.size() - first);
        tokens.read(first, count, views, scratch);
        add_batch(views, count, times + first, none);
    }
}

// Most tokens of a text were seen before, so all are looked up, many at a time; a new one is looked up once more.
void CountedTokens::add_batch(const TokenView* tokens, std::size_t count, const std::int64_t* times,
                              RecentRows& recent) {
    if (counts_.size() != tokens_.rows() || !tokens_.is_whole()) throw std::invalid_argument("counting failed before");
    std::int64_t rows[batch];
    recent.find(tokens_.index(), tokens_.table(), tokens, count, rows);
    for (std::size_t i = 0; i < count; ++i) {
        if (rows[i] == absent) {
            if (!tokens_.add(tokens[i], rows[i]))
                throw std::invalid_argument("thousands of tokens collide under every seed of the index, as only made-up ones do");
            if (static_cast<std::uint64_t>(rows[i]) == counts_.size()) counts_.push_back(0);
        }
        const std::int64_t more = times ? times[i] : 1;
        if (__builtin_add_overflow(total_, more, &total_)) throw std::overflow_error("more than 2**63 - 1 tokens");
        counts_[static_cast<std::size_t>(rows[i])] += more;
    }
}

// The parts are added in their order, so that of all tokens the first seen is first.
void count_texts(const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower, std::size_t threads,
                 CountedTokens& counted) {
    const std::size_t parts = std::max<std::size_t>(1, std::min(threads, texts.count));
    std::vector<CountedTokens> others(parts - 1);
    in_parallel(parts, parts, 1, [&](std::size_t first, std::size_t last) {
        for (std::size_t part = first; part < last; ++part)
            count_part(texts, tokenizer, lower, part_edge(texts.count, parts, part), part_edge(texts.count, parts, part + 1),
                       part ? others[part - 1] : counted);
    });
    for (const CountedTokens& other : others) counted.add(other);
}

}  // namespace glovestore
