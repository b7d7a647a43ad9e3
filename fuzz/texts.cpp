// Texts to counts to ids, by each tokenizer: counts and ids tell the same, and no number of threads makes a difference.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "count.hpp"
#include "encode.hpp"
#include "require.hpp"
#include "texts.hpp"

using namespace glovestore;

namespace {

bool is_ascii(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void encode(const CopiedStrings& strings, std::size_t size, Tokenizer tokenizer) {
    const LowerCase none;
    const GivenTexts texts{&strings, nullptr, nullptr, strings.size(), size};
    CountedTokens counted, again;
    count_texts(texts, tokenizer, none, 1, counted);
    count_texts(texts, tokenizer, none, 3, again);
    require(counted.total() == again.total() && counted.counts() == again.counts());
    const KnownTokens known{counted.index(), counted.table(), {2, absent, absent, 1}, false};
    RaggedIds ids;
    ids.encode(known, texts, tokenizer, none, 2);
    require(ids.texts() == strings.size() && ids.ids() == static_cast<std::size_t>(counted.total()));
    std::vector<std::int64_t> values(ids.ids() + 1), offsets(ids.texts() + 1), times(counted.counts().size());
    ids.copy(values.data(), offsets.data());
    for (std::size_t i = 0; i < ids.ids(); ++i) {
        require(values[i] >= 2 && static_cast<std::size_t>(values[i]) < times.size() + 2);
        ++times[static_cast<std::size_t>(values[i]) - 2];
    }
    require(times == counted.counts());
    const std::size_t width = 3;
    std::vector<std::int32_t> out(strings.size() * width);
    std::vector<std::int64_t> lengths(strings.size());
    encode_padded(known, texts, tokenizer, none, {width, true, false}, out.data(), lengths.data(), 2);
    for (std::size_t i = 0; i < strings.size(); ++i) require(lengths[i] >= 0 && lengths[i] <= 3);
}

}  // namespace

// Texts are cut at NULs. The tokenizers that make lower case are given ASCII: their tables are Python's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    CopiedStrings strings;
    const std::string all(reinterpret_cast<const char*>(data), size);
    for (std::size_t begin = 0; begin <= size;) {
        const std::size_t end = std::min(all.find('\0', begin), size);
        strings.add(data + begin, end - begin);
        begin = end + 1;
    }
    if (check_texts(strings).good != strings.size()) return 0;
    encode(strings, size, Tokenizer::whitespace);
    if (!is_ascii(all)) return 0;
    encode(strings, size, Tokenizer::keras);
    encode(strings, size, Tokenizer::glove);
    return 0;
}
