// Tokens in the order in which they come, their counts, the index that grows with them, and those that a build keeps:
// against a map, and the index against FORMAT.md.
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "count.hpp"
#include "hash.hpp"
#include "input.hpp"
#include "keep.hpp"
#include "lookup.hpp"
#include "require.hpp"
#include "token_table.hpp"

using namespace glovestore;

namespace {

// Each token once, as first seen, and how often it came.
struct Tokens {
    std::vector<std::string> order;
    std::map<std::string, std::size_t> rows;
    std::vector<std::int64_t> counts;

    bool add(const std::string& token, std::int64_t times = 1) {
        const auto [place, is_new] = rows.emplace(token, order.size());
        if (is_new) order.push_back(token), counts.push_back(0);
        counts[place->second] += times;
        return is_new;
    }
};

TokenView view_of(const std::string& token) {
    static constexpr unsigned char empty = 0;
    return {token.empty() ? &empty : reinterpret_cast<const unsigned char*>(token.data()), token.size()};
}

// Tokens of few different bytes, so that they come again; sometimes one that is long.
std::vector<std::string> tokens_of(Input& input) {
    std::vector<std::string> tokens;
    while (!input.is_used_up() && tokens.size() < 400) {
        const auto byte = input.number<std::uint8_t>();
        if (byte < 0x40) tokens.emplace_back(1, static_cast<char>(byte));
        else if (byte < 0xC0) tokens.push_back(std::to_string(input.number<std::uint8_t>()) + std::string(byte % 9, 'a'));
        else if (byte < 0xF0) tokens.push_back(input.bytes(byte % 16));
        else tokens.emplace_back(byte * std::size_t{17}, static_cast<char>(byte));
    }
    return tokens;
}

void require_table(const TokenTable& table, const IndexView& index, const Tokens& expected) {
    require(table.rows == expected.order.size() && table.offsets[0] == 0);
    for (std::size_t row = 0; row < expected.order.size(); ++row) {
        const TokenView token = token_at(table, row);
        require(std::string(reinterpret_cast<const char*>(token.bytes), token.size) == expected.order[row]);
        require(find_row(index, table, token.bytes, token.size) == static_cast<std::int64_t>(row));
    }
    require(first_lost_row(index, table) == table.rows && find_row(index, table, "never there", 11) == absent);
}

// FORMAT.md, "Token index": in row order, from the home bucket on, the first free slot.
void require_index_by_the_book(const IndexView& index, const Tokens& expected) {
    require(index.buckets == buckets_for(expected.order.size()) && index.seed < index_seeds);
    std::vector<std::uint64_t> slots(index.buckets * bucket_slots);
    std::size_t longest = 0;
    for (std::size_t row = 0; row < expected.order.size(); ++row) {
        const std::string& token = expected.order[row];
        const std::uint64_t hash = xxh64(token.data(), token.size(), index.seed);
        std::size_t bits = 0;
        while ((std::uint64_t{1} << bits) < index.buckets) ++bits;
        const std::size_t home = static_cast<std::size_t>(hash >> (64 - bits)) * bucket_slots;
        std::size_t passed = 0;
        while (slots[(home + passed) % slots.size()] != 0) ++passed;
        slots[(home + passed) % slots.size()] = (hash & 0xFFFFFFFF) << 32 | (row + 1);
        longest = std::max(longest, passed / bucket_slots);
    }
    require(index.longest_probe == longest);
    for (std::size_t i = 0; i < slots.size(); ++i) require(index.slots[i] == slots[i]);
}

void grow(const std::vector<std::string>& tokens, Input& cuts) {
    GrowingTokens growing(cuts.below(2000));
    Tokens expected;
    for (std::size_t first = 0; first < tokens.size();) {
        const std::size_t count = std::min(tokens.size() - first, cuts.below(70));
        if (count == 0) {  // one by one
            std::int64_t row = -5;
            const bool is_new = expected.add(tokens[first]);
            require(growing.add(view_of(tokens[first]), row) && row == static_cast<std::int64_t>(expected.rows[tokens[first]]));
            require(growing.rows() == expected.order.size() && (is_new || row < static_cast<std::int64_t>(growing.rows())));
            ++first;
            continue;
        }
        std::string bytes;
        std::vector<std::uint16_t> lengths;
        std::vector<unsigned char> duplicates(count), expected_duplicates;
        for (std::size_t i = first; i < first + count; ++i) {
            bytes += tokens[i];
            lengths.push_back(static_cast<std::uint16_t>(tokens[i].size()));
            expected_duplicates.push_back(!expected.add(tokens[i]));
        }
        require(growing.add(exact(bytes).get(), exact(lengths).get(), count, duplicates.data()));
        require(duplicates == expected_duplicates);
        first += count;
    }
    require_table(growing.table(), growing.index(), expected);
    require(growing.finish() && growing.is_whole());
    require_table(growing.table(), growing.index(), expected);
    require_index_by_the_book(growing.index(), expected);
}

void require_counted(const CountedTokens& counted, const Tokens& expected) {
    require_table(counted.table(), counted.index(), expected);
    require(counted.counts() == expected.counts);
    std::int64_t total = 0;
    for (const std::int64_t count : expected.counts) total += count;
    require(counted.total() == total);
}

// In parts that are added up, with and without the memory of recent rows; then once more, each as often as it came.
void count(const std::vector<std::string>& tokens, Input& cuts) {
    CountedTokens all;
    Tokens expected;
    for (std::size_t first = 0; first < tokens.size();) {
        const std::size_t size = std::min(tokens.size() - first, 1 + cuts.below(200));
        RecentRows recent(cuts.below(32) == 0 ? std::size_t{1} << 20 : 0);
        std::vector<TokenView> views;
        for (std::size_t i = first; i < first + size; ++i) {
            views.push_back(view_of(tokens[i]));
            expected.add(tokens[i]);
        }
        CountedTokens part;
        CountedTokens& counted = cuts.flag() ? part : all;
        counted.add(views.data(), size, recent);
        all.add(part);
        first += size;
    }
    require_counted(all, expected);
    CopiedStrings strings;
    std::vector<std::int64_t> times;
    for (std::size_t row = 0; row < expected.order.size(); ++row) {
        strings.add(expected.order[row].data(), expected.order[row].size());
        times.push_back(static_cast<std::int64_t>(cuts.below(1000)));
        expected.add(expected.order[row], times.back());
    }
    all.add(strings, times.data());
    require_counted(all, expected);
}

void count_too_many() {
    CountedTokens counted;
    CopiedStrings strings;
    strings.add("a", 1);
    const std::int64_t times = INT64_MAX - 1;
    counted.add(strings, &times);
    bool refused = false;
    try {
        counted.add(strings, &times);
    } catch (const std::overflow_error&) {
        refused = true;
    }
    require(refused);
}

// Which lines may be rows of a token: those that begin with the first field of one.
void keep(const std::vector<std::string>& tokens, std::string text) {
    KeptTokens kept;
    Tokens all, first_fields;
    std::string bytes;
    std::vector<std::uint16_t> lengths;
    for (std::size_t i = 0; i < tokens.size(); i += 3) {
        all.add(tokens[i]);
        first_fields.add(tokens[i].substr(0, tokens[i].find(' ')));
        bytes += tokens[i];
        lengths.push_back(static_cast<std::uint16_t>(tokens[i].size()));
    }
    require(kept.add(exact(bytes).get(), exact(lengths).get(), lengths.size()));
    for (const std::string& token : tokens)
        require(kept.has(view_of(token).bytes, token.size()) == (all.rows.count(token) == 1));
    text.push_back('\n');
    const auto memory = exact(text);
    const char* const begin = reinterpret_cast<const char*>(memory.get());
    for (std::size_t line = 0; line < text.size();) {
        std::size_t expected = line;
        std::uint64_t expected_passed = 0, passed = 99;
        for (; expected < text.size(); ++expected_passed, expected = text.find('\n', expected) + 1)
            if (first_fields.rows.count(text.substr(expected, text.find_first_of(" \n", expected) - expected))) break;
        const char* const found = kept.find_line(begin + line, begin + text.size(), passed);
        require(static_cast<std::size_t>(found - begin) == expected && passed == expected_passed);
        line = expected < text.size() ? text.find('\n', expected) + 1 : expected;
    }
}

}  // namespace

// Tokens; the same bytes say how they come.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size), cuts(data, size);
    const std::vector<std::string> tokens = tokens_of(input);
    grow(tokens, cuts);
    count(tokens, cuts);
    keep(tokens, Input(data, size).rest());
    if (size == 0) count_too_many();
    return 0;
}
