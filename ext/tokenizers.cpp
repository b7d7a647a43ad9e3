#include "tokenizers.hpp"

#include <cstring>

#include "bytes.hpp"
#include "glove_tokens.hpp"

namespace glovestore {
namespace {

constexpr std::size_t most_character = 8;  // bytes that one may take, lower-cased, whatever becomes of the text meanwhile
constexpr std::size_t block = 64;    // bytes among which the spaces are found together: a bit each
constexpr std::size_t at_once = 32;  // bytes of ASCII that are prepared together
constexpr std::uint64_t high_bits = 0x8080808080808080u;

// What becomes of a character before the text is split: `ascii` of a byte, `other` of the rest, at most twice as long. `ascii`
// is plain arithmetic on bytes, without branches, so that compilers make vectors of it.
struct KerasRules {
    const LowerCase& lower;

    static unsigned char ascii(unsigned char byte) noexcept {
        const bool letter = static_cast<unsigned char>((byte | 0x20) - 'a') < 26;
        const bool digit = static_cast<unsigned char>(byte - '0') < 10;
        const bool printed = static_cast<unsigned char>(byte - '!') < 0x7F - '!';
        const bool filter = (printed & !letter & !digit & (byte != '\'')) | (byte == '\t') | (byte == '\n');
        return static_cast<unsigned char>(filter ? ' ' : byte | letter << 5);
    }
    unsigned char* other(const unsigned char* text, std::size_t size, std::size_t at, CodePoint character,
                         unsigned char* out) const noexcept {
        return put_lower_case(lower, text, size, at, character, out);
    }
};

bool is_white_space(std::uint32_t point) noexcept {  // what str.split takes for it, beyond ASCII
    if (point < 0x1680) return point == 0x85 || point == 0xA0;
    return point - 0x2000 < 11 || point == 0x1680 || point == 0x2028 || point == 0x2029 || point == 0x202F || point == 0x205F ||
           point == 0x3000;
}

struct WhitespaceRules {
    static unsigned char ascii(unsigned char byte) noexcept {
        const bool white = (static_cast<unsigned char>(byte - 0x09) < 5) | (static_cast<unsigned char>(byte - 0x1C) < 4);
        return static_cast<unsigned char>(white ? ' ' : byte);
    }
    static unsigned char* other(const unsigned char* /*text*/, std::size_t /*size*/, std::size_t /*at*/, CodePoint character,
                                unsigned char* out) noexcept {
        if (is_white_space(character.value)) {
            *out = ' ';
            return out + 1;
        }
        return put_utf8(character.value, out);
    }
};

struct GloveRules {
    const LowerCase& lower;

    static unsigned char ascii(unsigned char byte) noexcept {
        const bool capital = static_cast<unsigned char>(byte - 'A') < 26;
        return WhitespaceRules::ascii(static_cast<unsigned char>(byte | capital << 5));
    }
    unsigned char* other(const unsigned char* text, std::size_t size, std::size_t at, CodePoint character,
                         unsigned char* out) const noexcept {
        if (is_white_space(character.value)) {
            *out = ' ';
            return out + 1;
        }
        unsigned char* const replaced = may_be_punctuation(character.value) ? put_glove_replacement(character, out) : nullptr;
        return replaced ? replaced : put_lower_case(lower, text, size, at, character, out);
    }
};

bool is_ascii(const unsigned char* bytes) noexcept {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < at_once; i += 8) all |= load_u64(bytes + i);
    return !(all & high_bits);
}

// Writes what the rules make of a text to `out`, which has room for twice its size, and returns the number of bytes.
template <class Rules>
std::size_t prepare(const Rules& rules, const unsigned char* text, std::size_t size, unsigned char* out) noexcept {
    const unsigned char* const begin = out;
    std::size_t at = 0;
    while (at < size) {
        for (; size - at >= at_once && is_ascii(text + at); at += at_once, out += at_once)
            for (std::size_t i = 0; i < at_once; i++) out[i] = Rules::ascii(text[at + i]);
        const std::size_t stop = size - at < at_once ? size : at + at_once;
        while (at < stop) {
            if (text[at] < 0x80) {
                *out++ = Rules::ascii(text[at++]);
            } else {
                const CodePoint character = get_utf8(text + at);
                out = rules.other(text, size, at, character, out);
                at += character.size;
            }
        }
    }
    return static_cast<std::size_t>(out - begin);
}

// Bit i: whether it holds for byte i of a block. `holds` is plain arithmetic, as above.
template <class Holds>
std::uint64_t bits_of(const unsigned char* bytes, Holds holds) noexcept {
    unsigned char each[block];
    for (std::size_t i = 0; i < block; i++) each[i] = holds(bytes[i]);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < block; i += 8)  // the products put the 8 low bits side by side into the top byte
        bits |= (load_u64(each + i) * 0x0102040810204080u >> 56) << i;
    return bits;
}

bool is_space(unsigned char byte) noexcept { return byte == ' '; }

bool is_glove_mark(unsigned char byte) noexcept {
    const bool letter = static_cast<unsigned char>((byte | 0x20) - 'a') < 26;
    const bool digit = static_cast<unsigned char>(byte - '0') < 10;
    return (static_cast<unsigned char>(byte - '!') < 0x7F - '!') & !letter & !digit & (byte != '_');
}

int lowest_bit(std::uint64_t bits) noexcept { return __builtin_ctzll(bits); }

// Finds where runs between spaces begin and end: writes these places, in turn, and returns the place behind the last.
// `size` is a multiple of the block; `was_space` goes from call to call, at first 1.
const unsigned char** find_edges(const unsigned char* bytes, std::size_t size, std::uint64_t& was_space,
                                 const unsigned char** edges) noexcept {
    for (std::size_t at = 0; at < size; at += block) {
        const std::uint64_t spaces = bits_of(bytes + at, is_space);
        std::uint64_t changes = spaces ^ (spaces << 1 | was_space);
        was_space = spaces >> 63;
        for (; changes; changes &= changes - 1) *edges++ = bytes + at + lowest_bit(changes);
    }
    return edges;
}

// Splits at spaces; `size` is a multiple of the block, and the last byte a space. First the edges of many tokens, then the
// tokens: three times as fast as one by one.
void split_at_spaces(const unsigned char* bytes, std::size_t size, std::vector<TokenView>& tokens) {
    constexpr std::size_t piece = 16 * block;
    const unsigned char* edges[piece + 1];
    std::size_t open = 0;  // 1 if a token goes on in the next piece; its beginning is then the first edge
    std::uint64_t was_space = 1;
    for (std::size_t at = 0; at < size; at += piece) {
        const std::size_t piece_size = size - at < piece ? size - at : piece;
        const unsigned char** const end = find_edges(bytes + at, piece_size, was_space, edges + open);
        const auto count = static_cast<std::size_t>(end - edges);
        const std::size_t done = tokens.size();
        tokens.resize(done + count / 2);
        for (std::size_t i = 0; i < count / 2; i++)
            tokens[done + i] = {edges[2 * i], static_cast<std::size_t>(edges[2 * i + 1] - edges[2 * i])};
        open = count % 2;
        if (open) edges[0] = end[-1];
    }
}

}  // namespace

const std::vector<TokenView>& TextSplitter::split(const unsigned char* text, std::size_t size) {
    tokens_.clear();
    characters_.require(2 * size + block + most_character);
    unsigned char* const characters = characters_.data();
    if (kind_ == Tokenizer::keras)
        size = prepare(KerasRules{lower_}, text, size, characters);
    else if (kind_ == Tokenizer::whitespace)
        size = prepare(WhitespaceRules{}, text, size, characters);
    else
        size = prepare(GloveRules{lower_}, text, size, characters);
    const std::size_t padding = block - size % block;
    std::memset(characters + size, ' ', padding);
    split_at_spaces(characters, size + padding, tokens_);
    if (kind_ != Tokenizer::glove) return tokens_;
    marks_.require((size + padding) / block);
    for (std::size_t at = 0; at < size; at += block) marks_[at / block] = bits_of(characters + at, is_glove_mark);
    split_glove({characters, size}, marks_.data(), tokens_, split_tokens_);
    return split_tokens_;
}

}  // namespace glovestore
