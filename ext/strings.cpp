#include "strings.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "bytes.hpp"
#include "parallel.hpp"
#include "utf8.hpp"

namespace glovestore {
namespace {

constexpr std::size_t page_size = std::size_t{1} << 16;
constexpr std::size_t read_at_a_time = 256;
constexpr std::size_t strings_a_thread = 16384;  // fewer take less time than a thread takes to start

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
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& /*scratch*/) const override {
        for (std::size_t i = 0; i < count; ++i) {
            const unsigned char* bytes = data_ + (first + i) * width_;
            std::size_t size = width_;
            while (size >= 8 && load_u64(bytes + size - 8) == 0) size -= 8;
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
            while (length >= 2 && load_u64(points + length - 2) == 0) length -= 2;
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
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& /*scratch*/) const override {
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t begin = offsets_[first + i], end = offsets_[first + i + 1];
            const bool inside = begin <= end && end <= size_;
            views[i] = inside ? TokenView{bytes_ + begin, end - begin} : TokenView{nullptr, 0};
        }
    }

private:
    const unsigned char* bytes_;
    std::size_t size_;
    const std::uint64_t* offsets_;
    std::size_t count_;
};

Survey survey_part(const Strings& strings, const std::vector<TokenView>& wanted, std::size_t begin, std::size_t end) {
    Survey found{strings.size(), std::vector<std::size_t>(wanted.size(), strings.size())};
    TokenView views[read_at_a_time];
    Scratch scratch;
    for (std::size_t first = begin; first < end; first += read_at_a_time) {
        const std::size_t count = std::min(read_at_a_time, end - first);
        strings.read(first, count, views, scratch);
        for (std::size_t i = 0; i < count; ++i) {
            if (!views[i].bytes) found.first_none = std::min(found.first_none, first + i);
            for (std::size_t k = 0; k < wanted.size(); ++k) {
                if (views[i].size != wanted[k].size || first + i > found.first_equal[k] || !views[i].bytes) continue;
                if (std::memcmp(views[i].bytes, wanted[k].bytes, wanted[k].size) == 0) found.first_equal[k] = first + i;
            }
        }
    }
    return found;
}

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
    unsigned char* to = scratch.room(length * most_utf8_bytes(width) + 1);
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

void CopiedStrings::add(const void* bytes, std::size_t size) {
    const auto* from = static_cast<const unsigned char*>(bytes);
    places_.push_back({bytes_.size(), size});
    bytes_.insert(bytes_.end(), from, from + size);
}

void CopiedStrings::read(std::size_t first, std::size_t count, TokenView* views, Scratch& /*scratch*/) const {
    const unsigned char* bytes = bytes_.empty() ? &nothing : bytes_.data();
    for (std::size_t i = 0; i < count; ++i) {
        const Place& place = places_[first + i];
        views[i] = place.begin == none ? TokenView{nullptr, 0} : TokenView{bytes + place.begin, place.size};
    }
}

Survey survey(const Strings& strings, const std::vector<TokenView>& wanted, std::size_t threads) {
    Survey found{strings.size(), std::vector<std::size_t>(wanted.size(), strings.size())};
    std::mutex merging;
    in_parallel(strings.size(), threads, strings_a_thread, [&](std::size_t begin, std::size_t end) {
        const Survey part = survey_part(strings, wanted, begin, end);
        const std::lock_guard<std::mutex> lock(merging);
        found.first_none = std::min(found.first_none, part.first_none);
        for (std::size_t k = 0; k < wanted.size(); ++k)
            found.first_equal[k] = std::min(found.first_equal[k], part.first_equal[k]);
    });
    return found;
}

}  // namespace glovestore
