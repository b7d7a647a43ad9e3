// Texts to ids by every rule of unknown tokens, padding and cutting: against a map. And over an index and tokens of any
// content: ids within the rows, and the same by every way.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "encode.hpp"
#include "input.hpp"
#include "require.hpp"
#include "token_table.hpp"

using namespace glovestore;

namespace {

using Ids = std::vector<std::int64_t>;

// Texts, some of them tokenised already; the others are split at white space, which here is the space alone.
struct Texts {
    CopiedStrings strings;
    std::vector<std::int64_t> starts{0};
    std::vector<unsigned char> tokenised;
    std::vector<std::vector<std::string>> tokens;
    bool all_plain = true;

    void add(const std::vector<std::string>& words, bool is_tokenised) {
        std::string text;
        for (const std::string& word : words) {
            if (is_tokenised) strings.add(word.data(), word.size());
            text += "  " + word;
        }
        if (!is_tokenised) strings.add(text.data(), text.size());
        starts.push_back(static_cast<std::int64_t>(strings.size()));
        tokenised.push_back(is_tokenised);
        tokens.push_back(words);
        all_plain = all_plain && !is_tokenised;
    }

    // `size` is a guess: a great one makes the memory of recent rows.
    GivenTexts given(bool with_starts, std::size_t size) const {
        return {&strings, with_starts ? starts.data() : nullptr, with_starts ? tokenised.data() : nullptr, tokens.size(), size};
    }
};

std::string word_of(Input& input) {
    const auto byte = input.number<std::uint8_t>();
    if (byte < 0xA0) return std::string(1, static_cast<char>('a' + byte % 26)) + (byte & 0x40 ? "bcdefghij" : "");
    if (byte < 0xC0) return "\xED\xB2" + std::string(1, static_cast<char>(0x80 + byte % 64));  // a byte, as a surrogate
    if (byte < 0xC8) return "\xED\xA0\x80";                                                  // a surrogate that is none
    std::string repeated(byte % 40 + 1u, static_cast<char>('a' + byte % 4));
    return repeated;
}

Texts texts_of(Input& input) {
    Texts texts;
    for (std::size_t count = input.below(40); count > 0; --count) {
        std::vector<std::string> words;
        for (std::size_t size = input.below(12); size > 0; --size) words.push_back(word_of(input));
        texts.add(words, input.below(4) == 0);
    }
    return texts;
}

// The bytes that surrogates in a token stand for; "" and false if one stands for none.
std::pair<std::string, bool> unescaped_by_the_book(const std::string& token) {
    std::string bytes;
    for (std::size_t i = 0; i < token.size(); ++i) {
        const auto at = [&](std::size_t place) { return static_cast<unsigned char>(token[place]); };
        if (at(i) != 0xED || at(i + 1) < 0xA0) {
            bytes.push_back(token[i]);
            continue;
        }
        if (at(i + 1) != 0xB2 && at(i + 1) != 0xB3) return {"", false};
        bytes.push_back(static_cast<char>(at(i + 1) == 0xB2 ? at(i + 2) : at(i + 2) + 0x40));
        i += 2;
    }
    return {bytes, true};
}

struct Case {
    const KnownTokens& known;
    const Texts& texts;
    std::vector<Ids> expected;
};

std::vector<Ids> ids_by_the_book(const KnownTokens& known, const Texts& texts, const std::map<std::string, std::int64_t>& rows) {
    std::vector<Ids> all;
    for (const auto& tokens : texts.tokens) {
        Ids ids;
        for (const std::string& token : tokens) {
            const auto [bytes, is_token] = known.escaped ? unescaped_by_the_book(token) : std::pair(token, true);
            const auto found = is_token ? rows.find(bytes) : rows.end();
            const bool unknown = found == rows.end() || found->second == known.rule.padding_row || found->second == known.rule.unk_row;
            const std::int64_t id = unknown ? known.rule.unk_id : found->second + known.rule.shift;
            if (id != dropped) ids.push_back(id);
        }
        all.push_back(ids);
    }
    return all;
}

void require_ragged(const Case& c, const GivenTexts& given, std::size_t threads) {
    const LowerCase none;
    RaggedIds ragged;
    ragged.encode(c.known, given, Tokenizer::whitespace, none, threads);
    std::size_t total = 0, longest = 0;
    for (const Ids& ids : c.expected) total += ids.size(), longest = std::max(longest, ids.size());
    require(ragged.texts() == c.expected.size() && ragged.ids() == total && ragged.longest() == longest);
    const auto values = exact(Ids(total)), offsets = exact(Ids(c.expected.size() + 1));
    ragged.copy(values.get(), offsets.get());
    std::size_t at = 0;
    for (std::size_t i = 0; i < c.expected.size(); ++i) {
        require(offsets[i] == static_cast<std::int64_t>(at));
        for (const std::int64_t id : c.expected[i]) require(values[at++] == id);
    }
    require(offsets[c.expected.size()] == static_cast<std::int64_t>(total));
    for (const bool fill_left : {false, true}) {
        const std::unique_ptr<std::int32_t[]> out(new std::int32_t[c.expected.size() * longest]);
        const auto lengths = exact(Ids(c.expected.size()));
        ragged.pad(fill_left, out.get(), lengths.get());
        for (std::size_t i = 0; i < c.expected.size(); ++i) {
            const Ids& ids = c.expected[i];
            require(lengths[i] == static_cast<std::int64_t>(ids.size()));
            const std::size_t begin = fill_left ? longest - ids.size() : 0;
            for (std::size_t d = 0; d < longest; ++d)
                require(out[i * longest + d] == (d >= begin && d < begin + ids.size() ? ids[d - begin] : 0));
        }
    }
}

template <class Id>
void require_padded(const Case& c, const GivenTexts& given, const RowShape& shape, std::size_t threads) {
    const LowerCase none;
    const std::unique_ptr<Id[]> out(new Id[c.expected.size() * shape.width]);
    const auto lengths = exact(Ids(c.expected.size()));
    encode_padded(c.known, given, Tokenizer::whitespace, none, shape, out.get(), lengths.get(), threads);
    for (std::size_t i = 0; i < c.expected.size(); ++i) {
        const Ids& ids = c.expected[i];
        const std::size_t size = std::min(ids.size(), shape.width), cut = shape.cut_left ? ids.size() - size : 0;
        const std::size_t begin = shape.fill_left ? shape.width - size : 0;
        require(lengths[i] == static_cast<std::int64_t>(size));
        for (std::size_t d = 0; d < shape.width; ++d)
            require(out[i * shape.width + d] == (d >= begin && d < begin + size ? static_cast<Id>(ids[cut + d - begin]) : 0));
    }
}

void require_all(const Case& c, Input& input) {
    const std::size_t size = input.below(32) == 0 ? std::size_t{1} << 20 : 0;
    const GivenTexts given = c.texts.given(!c.texts.all_plain || input.flag(), size);
    const std::size_t threads = input.below(16) == 0 ? 3 : 1;  // to start one takes longer than all the rest
    require_ragged(c, given, threads);
    const RowShape shape{input.below(14), input.flag(), input.flag()};
    require_padded<std::int32_t>(c, given, shape, threads);
    require_padded<std::int64_t>(c, given, shape, 1);
}

IdRule rule_of(Input& input, std::size_t rows) {
    const auto row = [&] { return static_cast<std::int64_t>(input.below(rows + 1)) - 1; };
    const std::int64_t padding = row(), unk = row();
    return {static_cast<std::int64_t>(input.below(4)), padding, unk, static_cast<std::int64_t>(input.below(4)) - 1};
}

void encode_known(Input& input) {
    GrowingTokens tokens(0);
    std::map<std::string, std::int64_t> rows;
    for (std::size_t count = input.below(60); count > 0; --count) {
        std::string token = word_of(input);
        if (input.below(4) == 0) token = std::string(1, static_cast<char>(0x80 + input.below(128)));
        std::int64_t row;
        require(tokens.add({reinterpret_cast<const unsigned char*>(token.data()), token.size()}, row));
        rows.emplace(token, row);
    }
    const KnownTokens known{tokens.index(), tokens.table(), rule_of(input, rows.size()), input.flag()};
    const Texts texts = texts_of(input);
    require_all({known, texts, ids_by_the_book(known, texts, rows)}, input);
}

// What the index says of each token alone is the reference: nobody can say what it should be.
void encode_hostile(Input& input) {
    const std::uint64_t rows = 1 + input.below(20), buckets = std::uint64_t{2} << input.below(4);
    const auto offsets = input.array<std::uint64_t>(rows + 1);
    const auto slots = input.array<std::uint64_t>(buckets * bucket_slots);
    const std::string bytes = input.bytes(64);
    const auto memory = exact(bytes);
    const IndexView index{slots.get(), buckets, input.number<std::uint8_t>(), static_cast<std::uint32_t>(input.below(most_probes + 1))};
    const KnownTokens known{index, {memory.get(), bytes.size(), offsets.get(), rows}, rule_of(input, rows), false};
    const Texts texts = texts_of(input);
    std::map<std::string, std::int64_t> found;
    for (const auto& tokens : texts.tokens)
        for (const std::string& token : tokens) {
            const std::int64_t row = find_row(index, known.table, token.data(), token.size());
            require(row == absent || (row >= 0 && static_cast<std::uint64_t>(row) < rows));
            if (row != absent) found.emplace(token, row);
        }
    require_all({known, texts, ids_by_the_book(known, texts, found)}, input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    if (input.flag()) encode_hostile(input);
    else encode_known(input);
    return 0;
}
