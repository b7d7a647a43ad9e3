// Rows of text: every SIMD tier must give what the scalar parser gives, and that what a slow one by FORMAT.md gives.
#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "number.hpp"
#include "require.hpp"

using namespace glovestore;

namespace {

struct Parsed {
    ParseResult result;
    std::vector<float> vectors;
    std::vector<unsigned char> tokens;
    std::vector<std::uint16_t> lengths;
};

// Parses from memory of its very own size, so that the sanitizer sees each byte read beyond the padding.
Parsed parse(const Kernels& kernels, const std::string& text, std::size_t dim, std::size_t capacity) {
    const std::unique_ptr<char[]> memory(new char[text.size() + number_padding]);
    std::memcpy(memory.get(), text.data(), text.size());
    std::memset(memory.get() + text.size(), '7', number_padding);
    Parsed parsed{{}, std::vector<float>(capacity * dim), std::vector<unsigned char>(text.size()),
                  std::vector<std::uint16_t>(capacity)};
    const Batch batch{parsed.vectors.data(), parsed.tokens.data(), parsed.lengths.data(), capacity};
    parsed.result = kernels.parse_rows(memory.get(), text.size(), dim, batch);
    parsed.vectors.resize(parsed.result.rows * dim);
    parsed.tokens.resize(parsed.result.token_bytes);
    parsed.lengths.resize(parsed.result.rows);
    return parsed;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void require_same(const Parsed& a, const Parsed& b) {
    require(a.result.rows == b.result.rows && a.result.token_bytes == b.result.token_bytes &&
            a.result.consumed == b.result.consumed && a.result.fault == b.result.fault);
    if (a.result.fault != RowFault::none)
        require(a.result.field == b.result.field && a.result.field_size == b.result.field_size &&
                a.result.found == b.result.found);
    require(same_bits(a.vectors, b.vectors) && a.tokens == b.tokens && a.lengths == b.lengths);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_number(const std::string& field) {
    std::size_t i = 0, digits = 0;
    if (i < field.size() && (field[i] == '+' || field[i] == '-')) ++i;
    for (; i < field.size() && is_digit(field[i]); ++i) ++digits;
    if (i < field.size() && field[i] == '.')
        for (++i; i < field.size() && is_digit(field[i]); ++i) ++digits;
    if (digits == 0) return false;
    if (i < field.size() && (field[i] == 'e' || field[i] == 'E')) {
        ++i;
        if (i < field.size() && (field[i] == '+' || field[i] == '-')) ++i;
        const std::size_t begin = i;
        for (; i < field.size() && is_digit(field[i]); ++i) {
        }
        if (i == begin) return false;
    }
    return i == field.size();
}

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
        if (c == ' ')
            fields.emplace_back();
        else
            fields.back().push_back(c);
    }
    return fields;
}

// One line by the book: false if it is no row of `dim` numbers.
bool row_by_the_book(std::string line, std::size_t dim, std::string& token, std::vector<float>& vector) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
    const std::vector<std::string> fields = split(line);
    if (fields.size() < dim + 1) return false;
    const std::size_t first = fields.size() - dim;
    for (std::size_t i = first; i < fields.size(); ++i) {
        if (!is_number(fields[i])) return false;
        const float value = std::strtof(fields[i].c_str(), nullptr);  // glibc's is correctly rounded
        if (value - value != 0) return false;
        vector.push_back(value);
    }
    bool has_word = first == 1;
    token = fields[0];
    for (std::size_t i = 1; i < first; ++i) {
        token += " " + fields[i];
        has_word = has_word || !is_number(fields[i]);
    }
    return has_word && token.size() <= longest_token;
}

void require_by_the_book(const std::string& text, std::size_t dim, std::size_t capacity, const Parsed& parsed) {
    std::size_t begin = 0, row = 0, at = 0;
    while (begin < text.size() && row < capacity) {
        const std::size_t end = text.find('\n', begin);
        std::string token;
        std::vector<float> vector;
        if (!row_by_the_book(text.substr(begin, end - begin), dim, token, vector)) {
            require(parsed.result.fault != RowFault::none);
            break;
        }
        require(row < parsed.result.rows && parsed.lengths[row] == token.size());
        require(std::memcmp(parsed.tokens.data() + at, token.data(), token.size()) == 0);
        require(std::memcmp(parsed.vectors.data() + row * dim, vector.data(), dim * sizeof(float)) == 0);
        at += token.size(), ++row, begin = end + 1;
    }
    require(row == parsed.result.rows && begin == parsed.result.consumed);
}

}  // namespace

// The first byte says `dim` and how much room there is; the text is the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t dim = 1 + data[0] % 12, capacity = 1 + data[0] / 12;
    std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    if (text.back() != '\n') text.push_back('\n');
    const Kernels* scalar = nullptr;
    for (std::size_t place = 0; kernels_at(place) != nullptr; ++place) scalar = kernels_at(place);
    require(scalar != nullptr);
    const Parsed expected = parse(*scalar, text, dim, capacity);
    for (std::size_t place = 0; kernels_at(place) != scalar; ++place)
        require_same(parse(*kernels_at(place), text, dim, capacity), expected);
    require_by_the_book(text, dim, capacity, expected);
    return 0;
}
