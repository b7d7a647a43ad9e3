#include "strings.hpp"

#include <algorithm>
#include <cstring>

#include "utf8.hpp"

namespace glovestore {
namespace {

constexpr std::size_t page_size = std::size_t{1} << 16;
constexpr std::size_t read_at_a_time = 256;

// A surrogate in UTF-8 is ED A0..BF xx; U+DC80 to U+DCFF are ED B2 80..BF and ED B3 80..BF. Puts the byte that each of
// these stands for in its place; false if there is another surrogate.
bool unescape(unsigned char* bytes, std::size_t& size) noexcept {
    std::size_t to = 0;
    for (std::size_t i = 0; i < size; ++i, ++to) {
        bytes[to] = bytes[i];
        if (bytes[i] != 0xED || bytes[i + 1] < 0xA0) continue;
        if (bytes[i + 1] != 0xB2 && bytes[i + 1] != 0xB3) return false;
        bytes[to] = static_cast<unsigned char>((bytes[i + 1] - 0xB2) << 6 | bytes[i + 2]);
        i += 2;
    }
    size = to;
    return true;
}

class FixedBytes : public Strings {
public:
    FixedBytes(const unsigned char* data, std::size_t count, std::size_t width) : data_(data), count_(count), width_(width) {}
    std::size_t size() const noexcept override { return count_; }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch&) const override {
        for (std::size_t i = 0; i < count; ++i) {
            const unsigned char* bytes = data_ + (first + i) * width_;
            std::size_t size = width_;
            while (size > 0 && bytes[size - 1] == 0) --size;
            views[i] = {bytes, size};
        }
    }

private:
    const unsigned char* data_;
    std::size_t count_, width_;
};

class FixedCodePoints : public Strings {
public:
    FixedCodePoints(const std::uint32_t* data, std::size_t count, std::size_t width, bool escaped)
        : data_(data), count_(count), width_(width), escaped_(escaped) {}
    std::size_t size() const noexcept override { return count_; }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& scratch) const override {
        scratch.clear();
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t* points = data_ + (first + i) * width_;
            std::size_t length = width_;
            while (length > 0 && points[length - 1] == 0) --length;
            views[i] = encoded(points, 4, length, escaped_, scratch);
        }
    }

private:
    const std::uint32_t* data_;
    std::size_t count_, width_;
    bool escaped_;
};

class PackedStrings : public Strings {
public:
    PackedStrings(const unsigned char* bytes, std::size_t size, const std::uint64_t* offsets, std::size_t count)
        : bytes_(bytes ? bytes : &nothing), size_(size), offsets_(offsets), count_(count) {}
    std::size_t size() const noexcept override { return count_; }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch&) const override {
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t begin = offsets_[first + i], end = offsets_[first + i + 1];
            const bool inside = begin <= end && end <= size_;
            views[i] = inside ? TokenView{bytes_ + begin, end - begin} : TokenView{nullptr, 0};
        }
    }

private:
    static constexpr unsigned char nothing = 0;  // an empty string is not none

    const unsigned char* bytes_;
    std::size_t size_;
    const std::uint64_t* offsets_;
    std::size_t count_;
};

}  // namespace

unsigned char* Scratch::room(std::size_t size) {
    while (page_ < pages_.size() && size > pages_[page_].size - used_) ++page_, used_ = 0;
    if (page_ == pages_.size()) {
        const std::size_t page = std::max(size, page_size);
        pages_.push_back({std::unique_ptr<unsigned char[]>(new unsigned char[page]), page});
    }
    return pages_[page_].bytes.get() + used_;
}

TokenView encoded(const void* points, int width, std::size_t length, bool escaped, Scratch& scratch) {
    const std::size_t longest = width == 1 ? 2 : width == 2 ? 3 : 4;  // bytes of a code point
    unsigned char* to = scratch.room(length * longest + 1);
    std::size_t size = encode_utf8(points, width, length, to);
    if (escaped && width > 1 && size && std::memchr(to, 0xED, size) && !unescape(to, size)) return {nullptr, 0};
    scratch.take(size);
    return {to, size};
}

TokenView unescaped(const TokenView& string, Scratch& scratch) {
    if (!has_surrogate(string.bytes, string.size)) return string;
    unsigned char* to = scratch.room(string.size);
    std::size_t size = string.size;
    std::memcpy(to, string.bytes, size);
    if (!unescape(to, size)) return {nullptr, 0};
    scratch.take(size);
    return {to, size};
}

StringsPointer fixed_bytes(const unsigned char* data, std::size_t count, std::size_t width) {
    return std::make_unique<FixedBytes>(data, count, width);
}

StringsPointer fixed_code_points(const std::uint32_t* data, std::size_t count, std::size_t width, bool escaped) {
    return std::make_unique<FixedCodePoints>(data, count, width, escaped);
}

StringsPointer packed_strings(const unsigned char* bytes, std::size_t size, const std::uint64_t* offsets, std::size_t count) {
    return std::make_unique<PackedStrings>(bytes, size, offsets, count);
}

std::size_t first_equal(const Strings& strings, const unsigned char* bytes, std::size_t size) {
    TokenView views[read_at_a_time];
    Scratch scratch;
    for (std::size_t first = 0; first < strings.size(); first += read_at_a_time) {
        const std::size_t count = std::min(read_at_a_time, strings.size() - first);
        strings.read(first, count, views, scratch);
        for (std::size_t i = 0; i < count; ++i)
            if (views[i].bytes && views[i].size == size && std::memcmp(views[i].bytes, bytes, size) == 0) return first + i;
    }
    return strings.size();
}

}  // namespace glovestore
