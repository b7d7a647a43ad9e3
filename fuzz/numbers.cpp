// float32 to text and back, and digits eight at a time: against the library's own, which go the long way.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "digits.hpp"
#include "finite.hpp"
#include "format_rows.hpp"
#include "input.hpp"
#include "number.hpp"
#include "require.hpp"
#include "shortest.hpp"

using namespace glovestore;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// --- reading ---

// The length of the number that `text` begins with; 0 if it begins with none.
std::size_t number_size(const std::string& text) {
    std::size_t i = 0, digits = 0;
    const auto skip_digits = [&] {
        const std::size_t begin = i;
        while (is_digit(text[i])) ++i;
        return i - begin;
    };
    if (text[i] == '+' || text[i] == '-') ++i;
    digits = skip_digits();
    if (text[i] == '.') {
        ++i;
        const std::size_t places = skip_digits();
        if (places == 0 && digits == 0) return 0;
        digits += places;
    }
    if (digits == 0) return 0;
    if (text[i] == 'e' || text[i] == 'E') {
        const std::size_t before = i++;
        if (text[i] == '+' || text[i] == '-') ++i;
        if (skip_digits() == 0) i = before;
    }
    return i;
}

void require_read(const std::string& text) {
    const std::string padded = text + ' ' + std::string(number_padding, '7');
    const auto memory = exact(padded);
    const char* const begin = reinterpret_cast<const char*>(memory.get());
    const std::size_t size = number_size(padded);
    const float expected = std::strtof(padded.substr(0, size).c_str(), nullptr);
    for (const auto parse : {&parse_number, &parse_short_decimal, &parse_decimal}) {
        const Number number = parse(begin);
        require(static_cast<std::size_t>(number.end - begin) == size);
        if (size == 0) {
            require(number.status == NumberStatus::not_a_number);
        } else if (std::isinf(expected)) {
            require(number.status == NumberStatus::overflow);
        } else {
            require(number.status == NumberStatus::ok && bits_of(number.value) == bits_of(expected));
        }
    }
}

void require_digits(const std::string& eight) {
    const auto memory = exact(eight);
    std::size_t count = 0;
    std::uint64_t value = 0;
    for (; count < 8 && is_digit(eight[count]); ++count) value = value * 10 + static_cast<std::uint64_t>(eight[count] - '0');
    const Digits read = read_digits(reinterpret_cast<const char*>(memory.get()));
    require(read.count == count && read.value == value);
    const std::uint64_t others = not_digits(load_u64(memory.get()) ^ 0x3030303030303030u);
    for (std::size_t i = 0; i < 8; ++i) require((others >> (8 * i) & 0xFF) == (is_digit(eight[i]) ? 0u : 0x80u));
}

// --- writing ---

// The shortest digits, by the library, in the layout that shortest.hpp asks for.
std::string spelled(float x) {
    char scientific[32];
    const auto made = std::to_chars(scientific, scientific + sizeof scientific, std::fabs(x), std::chars_format::scientific);
    const std::string text(scientific, made.ptr), sign = std::signbit(x) ? "-" : "";
    if (x == 0.0f) return sign + "0";
    const std::size_t e = text.find('e');
    const int exponent = std::stoi(text.substr(e + 1));
    std::string digits = text.substr(0, 1) + (e > 2 ? text.substr(2, e - 2) : "");
    if (exponent < -10 || exponent > 8) return sign + (e > 1 ? text.substr(0, e) : digits) + text.substr(e);
    if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent) - 1, '0') + digits;
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0');
    return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

void require_written(float x) {
    const std::unique_ptr<char[]> memory(new char[longest_number]);
    const std::string written(memory.get(), write_number(memory.get(), x));
    require(written == spelled(x) && bits_of(std::strtof(written.c_str(), nullptr)) == bits_of(x));
    require_read(written);
}

void require_formatted(Input input) {
    const std::size_t dim = 1 + input.below(5), count = input.below(6);
    const char separator = input.flag() ? ' ' : '\t';
    const bool has_tokens = input.flag();
    std::vector<std::uint64_t> offsets{0};
    for (std::size_t i = 0; i < count; ++i) offsets.push_back(offsets.back() + input.below(6));
    const std::string tokens = input.bytes(offsets.back());
    for (std::uint64_t& offset : offsets) offset = std::min<std::uint64_t>(offset, tokens.size());
    const auto vectors = input.array<float>(count * dim);
    const auto bytes = exact(tokens + "x");
    const RowsOut rows{vectors.get(), has_tokens ? bytes.get() : nullptr, offsets.data(), count, dim};
    std::string text, packed;
    std::size_t good = 0;
    for (bool fine = true; good < count; good += fine) {
        std::string line;
        for (std::size_t i = 0; i < dim; ++i) {
            const float x = vectors[good * dim + i];
            fine = fine && std::isfinite(x);
            line += (fine ? spelled(x) : "") + std::string(1, i + 1 < dim ? separator : '\n');
        }
        if (!fine) break;
        const std::string token = tokens.substr(offsets[good], offsets[good + 1] - offsets[good]);
        if (has_tokens) text += token + separator;
        text += line;
    }
    require(first_not_finite(vectors.get(), count, dim, 0) == good);
    const std::size_t room = count * dim * (longest_number + 1) + tokens.size() + count;
    const std::unique_ptr<char[]> out(new char[room]);
    const Formatted formatted = format_rows(rows, separator, out.get());
    require(formatted.rows == good && std::string(out.get(), formatted.bytes) == text);
    if (!has_tokens) return;
    for (std::size_t i = 0; i < count; ++i) {
        packed += tokens.substr(offsets[i], offsets[i + 1] - offsets[i]) + ' ';
        packed.append(reinterpret_cast<const char*>(vectors.get() + i * dim), dim * sizeof(float));
    }
    const std::unique_ptr<char[]> exact_out(new char[packed.size()]);
    require(pack_rows(rows, exact_out.get()) == packed.size());
    require(std::string(exact_out.get(), packed.size()) == packed);
}

}  // namespace

// All is read as text, as numbers of four bytes, and as rows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text = Input(data, size).rest();
    for (char& c : text)
        if (c == '\0') c = ' ';  // strtof ends there
    for (std::size_t at = 0; at < text.size(); at = text.find(' ', at) + 1) {
        require_read(text.substr(at, text.find(' ', at) - at));
        if (text.find(' ', at) == std::string::npos) break;
    }
    for (std::size_t at = 0; at + 8 <= text.size(); ++at) require_digits(text.substr(at, 8));
    for (Input numbers(data, size); !numbers.is_used_up();)
        if (const auto x = numbers.number<float>(); std::isfinite(x)) require_written(x);
    require_formatted(Input(data, size));
    return 0;
}
