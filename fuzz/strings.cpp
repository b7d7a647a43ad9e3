// Strings in all that they may be kept in, and their UTF-8: against code points one by one, over any bytes.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "input.hpp"
#include "require.hpp"
#include "strings.hpp"
#include "texts.hpp"
#include "utf8.hpp"

using namespace glovestore;

namespace {

using Text = std::optional<std::string>;
using Points = std::vector<std::uint32_t>;

// --- by the book ---

std::string utf8_of(std::uint32_t point) {
    const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
    if (point < 0x80) return {byte(point)};
    if (point < 0x800) return {byte(0xC0 + point / 64), byte(0x80 + point % 64)};
    if (point < 0x10000) return {byte(0xE0 + point / 4096), byte(0x80 + point / 64 % 64), byte(0x80 + point % 64)};
    return {byte(0xF0 + point / 262144), byte(0x80 + point / 4096 % 64), byte(0x80 + point / 64 % 64), byte(0x80 + point % 64)};
}

std::string utf8_of(const Points& points) {
    std::string text;
    for (const std::uint32_t point : points) text += utf8_of(point);
    return text;
}

// As Python's surrogateescape; none with a surrogate that stands for no byte.
Text escaped_of(const Points& points) {
    std::string text;
    for (const std::uint32_t point : points) {
        const bool is_byte = point >= 0xDC80 && point <= 0xDCFF;
        if (!is_byte && point >= 0xD800 && point <= 0xDFFF) return std::nullopt;
        text += is_byte ? std::string(1, static_cast<char>(point - 0xDC00)) : utf8_of(point);
    }
    return text;
}

// The code point that stands at `at`, encoded as short as can be; 0x110000 if there is none.
std::uint32_t point_at(const std::string& text, std::size_t at) {
    for (std::size_t size = 1; size <= 4 && at + size <= text.size(); ++size) {
        std::uint32_t value = static_cast<unsigned char>(text[at]);
        value = size == 1 ? value : value & (0x7Fu >> size);
        for (std::size_t i = 1; i < size; ++i) value = value << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
        if (value <= 0x10FFFF && utf8_of(value) == text.substr(at, size)) return value;
    }
    return 0x110000;
}

std::size_t valid_by_the_book(const std::string& text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::uint32_t point = point_at(text, at);
        if (point == 0x110000 || (point >= 0xD800 && point <= 0xDFFF)) break;
        at += utf8_of(point).size();
    }
    return at;
}

// --- what is read ---

Text text_of(const TokenView& view) {
    if (!view.bytes) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(view.bytes), view.size);
}

void require_strings(const Strings& strings, const std::vector<Text>& expected, Input cuts) {
    require(strings.size() == expected.size());
    Scratch scratch;
    for (std::size_t first = 0; first < expected.size();) {
        const std::size_t count = std::min(expected.size() - first, 1 + cuts.below(5));
        const std::unique_ptr<TokenView[]> views(new TokenView[count]);
        strings.read(first, count, views.get(), scratch);
        for (std::size_t i = 0; i < count; ++i) require(text_of(views[i]) == expected[first + i]);
        first += count;
    }
    TextCheck check{0, 0, 0};
    for (; check.good < expected.size() && expected[check.good]; ++check.good) {
        const std::string& text = *expected[check.good];
        if (valid_by_the_book(text) != text.size()) break;
        check.bytes += text.size();
        for (std::size_t at = 0; at < text.size(); at += utf8_of(point_at(text, at)).size()) {
            const std::uint32_t point = point_at(text, at);
            check.width = std::max(check.width, point < 0x80 ? 0 : point < 0x10000 ? 2 : 4);
        }
    }
    const TextCheck found = check_texts(strings);
    require(found.good == check.good && found.bytes == check.bytes && found.width == check.width);
    std::vector<TokenView> wanted;
    std::vector<std::size_t> first_equal;
    for (std::size_t i = 0; i < expected.size() && wanted.size() < 3; i += 1 + cuts.below(4)) {
        if (!expected[i]) continue;
        wanted.push_back({reinterpret_cast<const unsigned char*>(expected[i]->data()), expected[i]->size()});
        first_equal.push_back(static_cast<std::size_t>(std::find(expected.begin(), expected.end(), expected[i]) - expected.begin()));
    }
    const Survey surveyed = survey(strings, wanted, 2);
    require(surveyed.first_equal == first_equal);
    require(surveyed.first_none == static_cast<std::size_t>(std::find(expected.begin(), expected.end(), Text()) - expected.begin()));
}

// --- kinds of strings ---

void require_packed(Input input) {
    const std::size_t count = input.below(20);
    std::vector<std::uint64_t> offsets;
    for (std::size_t i = 0; i <= count; ++i)
        offsets.push_back(input.below(8) == 0 ? input.number<std::uint64_t>() : input.below(64));
    Input cuts = input;
    const std::string bytes = input.rest();
    const auto memory = exact(bytes);
    std::vector<Text> expected;
    CopiedStrings copied;
    for (std::size_t i = 0; i < count; ++i) {
        const bool inside = offsets[i] <= offsets[i + 1] && offsets[i + 1] <= bytes.size();
        expected.push_back(inside ? Text(bytes.substr(offsets[i], offsets[i + 1] - offsets[i])) : std::nullopt);
        if (expected[i]) copied.add(expected[i]->data(), expected[i]->size());
        else copied.add_none();
    }
    require_strings(*packed_strings(memory.get(), bytes.size(), exact(offsets).get(), 0), {}, cuts);
    const auto exact_offsets = exact(offsets);
    require_strings(*packed_strings(memory.get(), bytes.size(), exact_offsets.get(), count), expected, cuts);
    require_strings(copied, expected, cuts);
}

void require_fixed_bytes(Input input) {
    const std::size_t width = 1 + input.below(20);
    Input cuts = input;
    const std::string bytes = input.rest();
    std::vector<Text> expected;
    for (std::size_t at = 0; at + width <= bytes.size(); at += width) {
        std::string text = bytes.substr(at, width);
        while (!text.empty() && text.back() == '\0') text.pop_back();
        expected.emplace_back(text);
    }
    const auto memory = exact(bytes.substr(0, expected.size() * width));
    require_strings(*fixed_bytes(memory.get(), expected.size(), width), expected, cuts);
}

// Code points, most of them where something changes.
Points points_of(Input input) {
    constexpr std::uint32_t edges[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDC7F, 0xDC80, 0xDCFF, 0xDD00,
                                       0xDFFF, 0xE000, 0xED80, 0xFFFF, 0x10000, 0x10FFFF, 0x4ED, 0xED};
    Points points;
    while (!input.is_used_up()) {
        const auto byte = input.number<std::uint8_t>();
        const std::size_t edge = byte - std::size_t{0x80};
        points.push_back(byte < 0x80 ? byte : edge < 21 ? edges[edge] : input.number<std::uint32_t>() % 0x110000);
    }
    return points;
}

void require_fixed_points(Input input, bool escaped) {
    const std::size_t width = 1 + input.below(9);
    Points points = points_of(input);
    points.resize(points.size() / width * width);
    std::vector<Text> expected;
    for (std::size_t at = 0; at < points.size(); at += width) {
        Points text(points.begin() + static_cast<std::ptrdiff_t>(at), points.begin() + static_cast<std::ptrdiff_t>(at + width));
        while (!text.empty() && text.back() == 0) text.pop_back();
        expected.push_back(escaped ? escaped_of(text) : Text(utf8_of(text)));
    }
    const auto memory = exact(points);
    require_strings(*fixed_code_points(memory.get(), expected.size(), width, escaped), expected, input);
}

template <class Unit>
void require_encoded(const Points& points, std::uint32_t most) {
    std::vector<Unit> units;
    Points kept;
    for (const std::uint32_t point : points) {
        if (point > most) continue;
        units.push_back(static_cast<Unit>(point));
        kept.push_back(point);
    }
    const std::string expected = utf8_of(kept);
    const std::unique_ptr<unsigned char[]> out(new unsigned char[units.size() * most_utf8_bytes(sizeof(Unit))]);
    const std::size_t size = encode_utf8(exact(units).get(), sizeof(Unit), units.size(), out.get());
    require(std::string(reinterpret_cast<const char*>(out.get()), size) == expected);
    const auto memory = exact(expected);
    bool surrogate = false;
    for (const std::uint32_t point : kept) surrogate = surrogate || (point >= 0xD800 && point <= 0xDFFF);
    require(has_surrogate(memory.get(), expected.size()) == surrogate);
    Scratch scratch;
    require(text_of(unescaped({memory.get(), expected.size()}, scratch)) == escaped_of(kept));
    require(text_of(encoded(exact(units).get(), sizeof(Unit), units.size(), true, scratch)) == escaped_of(kept));
    require(text_of(encoded(exact(units).get(), sizeof(Unit), units.size(), false, scratch)) == Text(expected));
    for (std::size_t i = 0, at = 0; i < kept.size(); at += utf8_of(kept[i++]).size()) {
        const CodePoint point = get_utf8(memory.get() + at);
        require(point.value == kept[i] && point.size == utf8_of(kept[i]).size());
    }
}

}  // namespace

// The first byte chooses; nothing but the kind of strings knows what the others are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const std::size_t kind = input.below(5);
    if (kind == 0) require_packed(input);
    if (kind == 1) require_fixed_bytes(input);
    if (kind == 2) require_fixed_points(input, input.flag());
    if (kind == 3) {
        const Points points = points_of(input);
        require_encoded<std::uint8_t>(points, 0xFF);
        require_encoded<std::uint16_t>(points, 0xFFFF);
        require_encoded<std::uint32_t>(points, 0x10FFFF);
    }
    if (kind == 4) {
        const std::string bytes = input.rest();
        require(valid_utf8(exact(bytes).get(), bytes.size()) == valid_by_the_book(bytes));
        const unsigned char greatest = greatest_byte(exact(bytes).get(), bytes.size());
        for (const char c : bytes) require(static_cast<unsigned char>(c) <= greatest);
        require(greatest == 0 || bytes.find(static_cast<char>(greatest)) != std::string::npos);
    }
    return 0;
}
