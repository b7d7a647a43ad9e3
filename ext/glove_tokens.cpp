#include "glove_tokens.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>

namespace glovestore {
namespace {

using std::string_view;

// Sorted, so that they can be searched.
constexpr string_view abbreviations[] = {
    "adm",  "al",   "apr", "assn", "aug",  "ave",  "blvd", "bros", "calif", "capt", "cmdr", "co",   "col",  "conn", "corp",
    "cpl",  "dec",  "dept", "dr",  "drs",  "esq",  "etc",  "feb",  "fla",   "ft",   "gen",  "gov",  "inc",  "jan",  "jr",
    "jul",  "jun",  "lt",  "ltd",  "maj",  "mar",  "messrs", "mr", "mrs",   "ms",   "mt",   "nov",  "oct",  "okla", "prof",
    "pvt",  "rd",   "rep", "reps", "rev",  "sen",  "sens", "sep",  "sept",  "sgt",  "sr",   "st",   "tenn", "univ", "viz",
    "vs",
};
constexpr string_view before_numbers[] = {"fig", "no", "nos", "pp", "vol"};
constexpr string_view clitics[] = {"'d", "'ll", "'m", "'re", "'s", "'ve"};
constexpr string_view apostrophe_words[] = {"'d",  "'ll", "'m",   "'re", "'s",   "'ve",
                                            "'cause", "'em", "'n", "'t", "'til", "'tis", "'twas"};
constexpr string_view ellipsis = "...";

enum class Class : unsigned char { letter, digit, space, symbol, apostrophe, backtick, hyphen, dot, number_mark };

constexpr std::array<Class, 256> make_classes() {
    std::array<Class, 256> classes{};  // what is not named is a letter
    for (const char c : string_view("?!;()[]{}\"$%&#@/*+=<>|~^\\")) classes[static_cast<unsigned char>(c)] = Class::symbol;
    for (const char c : string_view("0123456789")) classes[static_cast<unsigned char>(c)] = Class::digit;
    for (const char c : string_view(",:")) classes[static_cast<unsigned char>(c)] = Class::number_mark;
    classes[' '] = Class::space;
    classes['\''] = Class::apostrophe;
    classes['`'] = Class::backtick;
    classes['-'] = Class::hyphen;
    classes['.'] = Class::dot;
    return classes;
}
constexpr std::array<Class, 256> classes = make_classes();

Class class_of(const unsigned char* p) noexcept { return classes[*p]; }
bool in_word(const unsigned char* p) noexcept { return class_of(p) <= Class::digit; }
bool is_digit(const unsigned char* p) noexcept { return class_of(p) == Class::digit; }

string_view view(const unsigned char* begin, const unsigned char* end) noexcept {
    return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(end - begin)};
}

template <std::size_t n>
bool is_among(const string_view (&words)[n], string_view word) noexcept {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool ends_with(string_view word, string_view end) noexcept {
    return word.size() > end.size() && word.substr(word.size() - end.size()) == end;
}

// Whether the letters behind the last dot are one, a to z: an acronym.
bool is_acronym(string_view word) noexcept {
    const char last = word.back();
    return last >= 'a' && last <= 'z' && (word.size() == 1 || word[word.size() - 2] == '.');
}

// Whether the dot at `dot`, behind a word, belongs to it.
bool keeps_dot(string_view word, const unsigned char* dot, const unsigned char* end) noexcept {
    if (is_acronym(word)) return true;
    if (std::binary_search(std::begin(abbreviations), std::end(abbreviations), word)) return true;
    if (!is_among(before_numbers, word)) return false;
    const unsigned char* next = dot + 1;
    while (next < end && *next == ' ') next++;
    return next < end && is_digit(next);
}

// The end of the word that begins at `begin`, which stands for at least one letter or digit.
const unsigned char* word_end(const unsigned char* begin, const unsigned char* end) noexcept {
    const unsigned char* p = begin + 1;
    for (;; p++) {
        while (in_word(p)) p++;
        switch (class_of(p)) {
            case Class::apostrophe:
                if (p[-1] != '.' && in_word(p + 1)) continue;
                return p;
            case Class::hyphen:
                if (in_word(p + 1)) continue;
                return p;
            case Class::number_mark:
                if (is_digit(p - 1) && is_digit(p + 1)) continue;
                return p;
            case Class::dot:
                if (in_word(p + 1)) continue;
                if (p[1] != '.' && keeps_dot(view(begin, p), p, end)) continue;
                return p;
            default:
                return p;
        }
    }
}

// The length of the clitic at the end of a word that has something before it, or 0.
std::size_t clitic_size(string_view word) noexcept {
    if (ends_with(word, "n't") && classes[static_cast<unsigned char>(word[word.size() - 4])] <= Class::digit) return 3;
    for (const string_view clitic : clitics)
        if (ends_with(word, clitic)) return clitic.size();
    return 0;
}

class Splitter {
public:
    Splitter(TokenView text, std::vector<TokenView>& tokens) : end_(text.bytes + text.size), tokens_(tokens) {}

    void split(TokenView run) {
        run_ = run.bytes;
        for (const unsigned char* p = run_; p < run.bytes + run.size;) p = split_token(p);
    }

private:
    // Appends the token at p, or those of the word at p; returns the place behind.
    const unsigned char* split_token(const unsigned char* p) {
        switch (class_of(p)) {
            case Class::letter:
            case Class::digit:
                return split_word(p, word_end(p, end_));
            case Class::hyphen:
                return p[1] == '-' ? add_run(p, {p, 2}) : add(p, p + 1);
            case Class::dot:
                return split_dot(p);
            case Class::apostrophe:
                return split_apostrophe(p);
            case Class::backtick:
                return add(p, p + (p[1] == '`' ? 2 : 1));
            default:
                return add(p, p + 1);
        }
    }

    const unsigned char* split_dot(const unsigned char* p) {
        if (p[1] == '.') return add_run(p, {reinterpret_cast<const unsigned char*>(ellipsis.data()), ellipsis.size()});
        if (is_digit(p + 1) || (p == run_ && in_word(p + 1))) return split_word(p, word_end(p, end_));
        return add(p, p + 1);
    }

    const unsigned char* split_apostrophe(const unsigned char* p) {
        if (p[1] == '\'') return add(p, p + 2);
        const unsigned char* word = p + 1;
        while (in_word(word)) word++;
        const bool decade = (word - p == 3 || (word - p == 4 && p[3] == 's')) && is_digit(p + 1) && is_digit(p + 2);
        return add(p, decade || is_among(apostrophe_words, view(p, word)) ? word : p + 1);
    }

    // Takes the clitics off, one by one from the end.
    const unsigned char* split_word(const unsigned char* begin, const unsigned char* end) {
        if (end - begin < 3 || (end[-2] != '\'' && end[-3] != '\'')) return add(begin, end);  // most words
        const auto count = static_cast<std::ptrdiff_t>(tokens_.size());
        const unsigned char* rest = end;
        while (const std::size_t size = clitic_size(view(begin, rest))) {
            add(rest - size, rest);
            rest -= size;
        }
        add(begin, rest);
        std::reverse(tokens_.begin() + count, tokens_.end());
        return end;
    }

    const unsigned char* add(const unsigned char* begin, const unsigned char* end) {
        tokens_.push_back({begin, static_cast<std::size_t>(end - begin)});
        return end;
    }

    // A run of the same character is one token.
    const unsigned char* add_run(const unsigned char* p, TokenView token) {
        tokens_.push_back(token);
        const unsigned char byte = *p;
        while (p < end_ && *p == byte) p++;
        return p;
    }

    const unsigned char* run_ = nullptr;
    const unsigned char* const end_;
    std::vector<TokenView>& tokens_;
};

// Whether any of the bits from `begin` to `end` is set; there is at least one.
bool any_bit(const std::uint64_t* bits, std::size_t begin, std::size_t end) noexcept {
    const std::size_t last = (end - 1) / 64;
    std::uint64_t found = bits[begin / 64] & ~std::uint64_t{0} << begin % 64;
    for (std::size_t i = begin / 64; i != last; found = bits[++i])
        if (found) return true;
    return found & ~std::uint64_t{0} >> (63 - (end - 1) % 64);
}

struct Range {
    std::uint32_t first, last;
};

// Punctuation and signs that are tokens of their own, in order.
constexpr Range symbols[] = {
    {0xA1, 0xA9},     {0xAB, 0xAC},     {0xAE, 0xB1},     {0xB4, 0xB4},     {0xB6, 0xB8},     {0xBB, 0xBB},
    {0xBF, 0xBF},     {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2016, 0x2017}, {0x2020, 0x2025}, {0x2027, 0x2027},
    {0x2030, 0x205E}, {0x20A0, 0x20CF}, {0x2122, 0x2122}, {0x2212, 0x2212}, {0x3001, 0x3003}, {0x3008, 0x3011},
    {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65},
};

bool is_symbol(std::uint32_t point) noexcept {
    const Range* const range = std::lower_bound(std::begin(symbols), std::end(symbols), point,
                                                [](const Range& each, std::uint32_t sought) { return each.last < sought; });
    return range != std::end(symbols) && range->first <= point;
}

// What stands for the rest of the punctuation.
string_view ascii_of(std::uint32_t point) noexcept {
    switch (point) {
        case 0x2018: case 0x2019: case 0x201A: case 0x201B: return "'";
        case 0x201C: case 0x201D: case 0x201E: case 0x201F: return "\"";
        case 0x2010: case 0x2011: return "-";
        case 0x2012: case 0x2013: case 0x2014: case 0x2015: return "--";
        case 0x2026: return ellipsis;
        default: return {};
    }
}

}  // namespace

unsigned char* put_glove_replacement(CodePoint character, unsigned char* out) noexcept {
    const std::uint32_t point = character.value;
    if (const string_view ascii = ascii_of(point); !ascii.empty()) {
        std::memcpy(out, ascii.data(), ascii.size());
        return out + ascii.size();
    }
    if (!is_symbol(point)) return nullptr;
    *out++ = ' ';
    out = put_utf8(point, out);
    *out++ = ' ';
    return out;
}

void split_glove(TokenView text, const std::uint64_t* marks, const std::vector<TokenView>& runs,
                 std::vector<TokenView>& tokens) {
    tokens.clear();
    Splitter splitter(text, tokens);
    for (const TokenView& run : runs) {
        const auto begin = static_cast<std::size_t>(run.bytes - text.bytes);
        if (any_bit(marks, begin, begin + run.size))
            splitter.split(run);
        else
            tokens.push_back(run);
    }
}

}  // namespace glovestore
