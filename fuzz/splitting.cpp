// The three tokenizers and their lower case: against their rules, read off glovestore/vocabulary/tokenizers.py one by one
// and applied to code points and runs of bytes.
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "input.hpp"
#include "require.hpp"
#include "tokenizers.hpp"
#include "utf8.hpp"

using namespace glovestore;

namespace {

using Points = std::vector<std::uint32_t>;
using Words = std::vector<std::string>;

// --- a small Unicode: what is in the table below is all that has a case ---

constexpr std::uint32_t sigma = 0x3A3, dotted_i = 0x130;

std::uint32_t lower_of(std::uint32_t p) {
    if ((p >= 'A' && p <= 'Z') || (p >= 0xC0 && p <= 0xDE && p != 0xD7) || (p >= 0x391 && p <= 0x3A9)) return p + 32;
    if (p >= 0x410 && p <= 0x42F) return p + 32;
    if (p == 0x1E9E) return 0xDF;     // from three bytes to two
    if (p == 0x2C6F) return 0x250;    // and back
    if (p == 0x212A) return 'k';      // to one
    if (p == 0x23A) return 0x2C65;    // from two to three
    return p >= 0x10400 && p <= 0x10427 ? p + 40 : p;
}

bool has_case(std::uint32_t p) {
    return lower_of(p) != p || (p >= 'a' && p <= 'z') || (p >= 0xDF && p <= 0xFE && p != 0xF7) || (p >= 0x3B1 && p <= 0x3C9) ||
           (p >= 0x430 && p <= 0x44F) || p == dotted_i || (p >= 0x10428 && p <= 0x1044F);
}

bool is_ignored(std::uint32_t p) {
    return p == '\'' || p == '.' || p == ':' || p == '^' || p == '`' || p == 0xAD || p == 0xB7 || p == 0x2019 || (p >= 0x300 && p <= 0x36F);
}

// As Python fills it: ext/lower_case.hpp.
struct Table {
    std::vector<std::uint16_t> pages = std::vector<std::uint16_t>(lower_case_pages);
    std::vector<std::int32_t> entries = std::vector<std::int32_t>(256);

    Table() {
        for (const std::uint32_t page : {0x0u, 0x1u, 0x2u, 0x3u, 0x4u, 0x1Eu, 0x20u, 0x21u, 0x2Cu, 0x104u}) {
            pages[page] = static_cast<std::uint16_t>(entries.size() / 256);
            for (std::uint32_t p = page * 256; p < page * 256 + 256; ++p) {
                const auto step = static_cast<std::int32_t>(lower_of(p)) - static_cast<std::int32_t>(p);
                const bool special = p == sigma || p == dotted_i;
                entries.push_back(step * 8 + (is_ignored(p) ? is_case_ignorable : has_case(p) * is_cased) + special * is_special);
            }
        }
    }
};

bool cased_from(const Points& points, std::size_t at, std::ptrdiff_t step) {
    for (auto i = static_cast<std::ptrdiff_t>(at) + step; i >= 0 && i < static_cast<std::ptrdiff_t>(points.size()); i += step) {
        const std::uint32_t point = points[static_cast<std::size_t>(i)];
        if (!is_ignored(point)) return has_case(point);
    }
    return false;
}

// str.lower of character `at`: the Unicode standard, section 3.13, "Final_Sigma".
Points lowered(const Points& points, std::size_t at) {
    if (points[at] == dotted_i) return {'i', 0x307};
    if (points[at] == sigma) return {cased_from(points, at, -1) && !cased_from(points, at, 1) ? 0x3C2u : 0x3C3u};
    return {lower_of(points[at])};
}

std::string utf8_of(const Points& points) {
    std::string text(points.size() * 4, '\0');
    auto* const begin = reinterpret_cast<unsigned char*>(text.data());
    unsigned char* end = begin;
    for (const std::uint32_t point : points) end = put_utf8(point, end);
    text.resize(static_cast<std::size_t>(end - begin));
    return text;
}

bool is_white(std::uint32_t p) {
    static const std::set<std::uint32_t> white{9,      10,     11,     12,     13,     28,     29,     30,     31,     32,
                                               0x85,   0xA0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
                                               0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    return white.count(p) == 1;
}

Words split(const std::string& text) {
    Words words(1);
    for (const char c : text) {
        if (c != ' ') words.back().push_back(c);
        else if (!words.back().empty()) words.emplace_back();
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

// --- the tokenizers ---

Words whitespace_tokens(const Points& points) {
    Points spaced = points;
    for (std::uint32_t& point : spaced)
        if (is_white(point)) point = ' ';
    return split(utf8_of(spaced));
}

Words keras_tokens(const Points& points) {
    static const std::string filters = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";
    Points out;
    for (std::size_t i = 0; i < points.size(); ++i)
        for (const std::uint32_t point : lowered(points, i))
            out.push_back(point < 0x80 && filters.find(static_cast<char>(point)) != std::string::npos && point ? ' ' : point);
    return split(utf8_of(out));
}

bool is_symbol(std::uint32_t p) {
    const auto among = [p](std::uint32_t first, std::uint32_t last) { return p >= first && p <= last; };
    if (among(0xA1, 0xBF)) return p != 0xAA && p != 0xBA && p != 0xB2 && p != 0xB3 && p != 0xB9 && p != 0xB5 && !among(0xBC, 0xBE) && p != 0xAD;
    if (among(0xFF01, 0xFF65)) return !among(0xFF10, 0xFF19) && !among(0xFF21, 0xFF3A) && !among(0xFF41, 0xFF5A);
    return p == 0xD7 || p == 0xF7 || among(0x2016, 0x2017) || (among(0x2020, 0x205E) && !among(0x2028, 0x202F) && p != 0x2026) ||
           among(0x20A0, 0x20CF) || p == 0x2122 || p == 0x2212 || among(0x3001, 0x3003) || among(0x3008, 0x3011);
}

std::string glove_text(const Points& points) {
    std::string text;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const std::uint32_t p = points[i];
        if (p >= 0x2018 && p <= 0x201B) text += "'";
        else if (p >= 0x201C && p <= 0x201F) text += "\"";
        else if (p == 0x2010 || p == 0x2011) text += "-";
        else if (p >= 0x2012 && p <= 0x2015) text += "--";
        else if (p == 0x2026) text += "...";
        else if (is_white(p)) text += " ";
        else if (is_symbol(p)) text += " " + utf8_of({p}) + " ";
        else text += utf8_of(lowered(points, i));
    }
    return text;
}

// Runs of bytes, as the regular expressions of tests/glove_reference.py match them.
class Glove {
public:
    explicit Glove(const std::string& run, const std::string& behind) : run_(run), behind_(behind) {}

    Words tokens() const {
        Words tokens;
        for (std::size_t at = 0; at < run_.size();) {
            const std::size_t end = word(at);
            if (end > at) {
                const std::size_t whole = whole_word(at, end);
                const Words parts = clitics(run_.substr(at, whole - at));
                tokens.insert(tokens.end(), parts.begin(), parts.end());
                at = whole;
            } else {
                const std::string token = other(at);
                tokens.push_back(token.substr(0, 2) == ".." ? "..." : token.substr(0, 2) == "--" ? "--" : token);
                at += token.size();
            }
        }
        return tokens;
    }

private:
    static bool is_letter(char c) { return std::string(" !\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~").find(c) == std::string::npos; }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }
    bool letter(std::size_t at) const { return at < run_.size() && is_letter(run_[at]); }
    bool digit(std::size_t at) const { return at < run_.size() && is_digit(run_[at]); }
    bool is(std::size_t at, char c) const { return at < run_.size() && run_[at] == c; }

    // The end of letters with single signs between them; `at` if there are none.
    std::size_t plain(std::size_t at) const {
        if (!letter(at)) return at;
        for (;;) {
            while (letter(at)) ++at;
            const bool joins = is(at, '.') || is(at, '\'') || is(at, '-') || ((is(at, ',') || is(at, ':')) && digit(at - 1) && digit(at + 1));
            if (!joins || !letter(at + 1)) return at;
            ++at;
        }
    }

    std::size_t word(std::size_t at) const {
        if (is(at, '.') && (digit(at + 1) || (at == 0 && letter(at + 1)))) return plain(at + 1);
        return plain(at);
    }

    std::size_t whole_word(std::size_t begin, std::size_t end) const {
        while (is(end, '.') && !is(end + 1, '.') && keeps_dot(run_.substr(begin, end - begin), end + 1 < run_.size() ? run_.substr(end + 1) : behind_)) {
            ++end;
            if (!is(end, '-') || !letter(end + 1)) break;
            end = plain(end + 1);
        }
        return end;
    }

    static bool keeps_dot(const std::string& word, const std::string& behind) {
        static const Words listed = split(
            "adm al apr assn aug ave blvd bros calif capt cmdr co col conn corp cpl dec dept dr drs esq etc feb fla ft gen gov inc "
            "jan jr jul jun lt ltd maj mar messrs mr mrs ms mt nov oct okla prof pvt rd rep reps rev sen sens sep sept sgt sr st "
            "tenn univ viz vs");
        static const std::set<std::string> abbreviations(listed.begin(), listed.end()), numbered{"fig", "no", "nos", "pp", "vol"};
        if (numbered.count(word)) return !behind.empty() && is_digit(behind[0]);
        const char last = word.back();
        const bool acronym = last >= 'a' && last <= 'z' && (word.size() == 1 || word[word.size() - 2] == '.');
        return acronym || abbreviations.count(word) == 1;
    }

    static Words clitics(const std::string& word) {  // NOLINT(misc-no-recursion): as the rule is written
        static const Words ends{"n't", "'s", "'m", "'d", "'re", "'ve", "'ll"};
        for (const std::string& end : ends) {
            if (word.size() <= end.size() || word.substr(word.size() - end.size()) != end) continue;
            const std::string rest = word.substr(0, word.size() - end.size());
            if (end == "n't" && !is_letter(rest.back())) continue;
            Words tokens = clitics(rest);
            tokens.push_back(end);
            return tokens;
        }
        return {word};
    }

    std::string other(std::size_t at) const {
        static const std::set<std::string> apostrophes{"d", "ll", "m", "re", "s", "ve", "cause", "em", "n", "t", "til", "tis", "twas"};
        for (const char c : {'.', '-'})
            if (is(at, c) && is(at + 1, c)) return run_.substr(at, run_.find_first_not_of(c, at) - at);
        if ((is(at, '\'') || is(at, '`')) && is(at + 1, run_[at])) return run_.substr(at, 2);
        if (is(at, '\'')) {
            std::size_t end = at + 1;
            while (letter(end)) ++end;
            const std::string word = run_.substr(at + 1, end - at - 1);
            const bool decade = digit(at + 1) && digit(at + 2) && (word.size() == 2 || (word.size() == 3 && word[2] == 's'));
            if (decade || apostrophes.count(word)) return run_.substr(at, end - at);
        }
        return run_.substr(at, 1);
    }

    const std::string& run_;
    const std::string& behind_;
};

Words glove_tokens(const Points& points) {
    const Words runs = split(glove_text(points));
    Words tokens;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const std::string behind = i + 1 < runs.size() ? runs[i + 1] : "";
        const Words found = Glove(runs[i], behind).tokens();
        tokens.insert(tokens.end(), found.begin(), found.end());
    }
    return tokens;
}

void require_split(TextSplitter& splitter, const Points& points, const Words& expected) {
    const std::string text = utf8_of(points);
    const auto memory = exact(text);
    const std::vector<TokenView>& found = splitter.split(memory.get(), text.size());
    require(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        require(std::string(reinterpret_cast<const char*>(found[i].bytes), found[i].size) == expected[i]);
}

Points points_of(Input input) {
    constexpr std::uint32_t others[] = {0xA0,   0x85,   0xC4,   0xDF,   0xE9,   0xD7,   0xB7,   0xAD,   0x130,  0x131,  0x23A,   0x301,
                                        0x391,  0x3A3,  0x3A3,  0x3C2,  0x3C3,  0x3B1,  0x410,  0x44F,  0x1E9E, 0x2009, 0x2010,  0x2013,
                                        0x2018, 0x2019, 0x201C, 0x2022, 0x2026, 0x2028, 0x202F, 0x20AC, 0x2122, 0x212A, 0x2C6F,  0x3000,
                                        0x3001, 0x4E2D, 0xD800, 0xDCFF, 0xFF01, 0xFF10, 0xFF21, 0xFF65, 0xFFFF, 0x10400, 0x1F600, 0x10FFFF};
    Points points;
    while (!input.is_used_up()) {
        const auto byte = input.number<std::uint8_t>();
        if (byte < 0x80) points.push_back(byte);
        else if (byte < 0x80 + 48) points.push_back(others[byte - 0x80]);
        else if (byte < 0xC0) points.push_back(input.number<std::uint32_t>() % 0x110000);
        else points.insert(points.end(), byte - std::size_t{0xC0}, 'x');  // to the edges of blocks
    }
    return points;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Table table;
    const LowerCase lower{table.pages.data(), table.entries.data()};
    const Points points = points_of(Input(data, size));
    TextSplitter keras(Tokenizer::keras, lower), whitespace(Tokenizer::whitespace, lower), glove(Tokenizer::glove, lower);
    for (const std::size_t used : {points.size(), points.size() / 2}) {  // the memory of one text serves the next
        const Points some(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(used));
        require_split(keras, some, keras_tokens(some));
        require_split(whitespace, some, whitespace_tokens(some));
        require_split(glove, some, glove_tokens(some));
    }
    return 0;
}
