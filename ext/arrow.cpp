#include "arrow.hpp"

#include <algorithm>
#include <cstring>

namespace glovestore {
namespace {

constexpr TokenView none{nullptr, 0};

// What the C data interface hands over is ours until we release it.
template <class Interface>
class Owned {
public:
    Owned() noexcept : held_{} {}
    explicit Owned(Interface& given) noexcept : held_(given) { given.release = nullptr; }
    ~Owned() {
        if (held_.release) held_.release(&held_);
    }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    Interface* get() noexcept { return &held_; }
    const Interface* operator->() const noexcept { return &held_; }

private:
    Interface held_;
};

inline bool is_valid(const void* validity, std::size_t i) noexcept {
    return !validity || (static_cast<const unsigned char*>(validity)[i / 8] >> (i % 8) & 1);
}

// Arrow recommends aligned buffers, but does not ask for them.
template <class Number>
Number load(const void* numbers, std::size_t i) noexcept {
    Number number;
    std::memcpy(&number, static_cast<const unsigned char*>(numbers) + i * sizeof number, sizeof number);
    return number;
}

// Arrays that tell each string by itself: at(i), which counts from the start of the buffers.
template <class Array>
class OneByOne : public Strings {
public:
    explicit OneByOne(const ArrowArray& array)
        : offset_(static_cast<std::size_t>(array.offset)), count_(static_cast<std::size_t>(array.length)) {}
    std::size_t size() const noexcept override { return count_; }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& /*scratch*/) const override {
        for (std::size_t i = 0; i < count; ++i) views[i] = static_cast<const Array*>(this)->at(offset_ + first + i);
    }

private:
    std::size_t offset_, count_;
};

// utf8 and large_utf8: an offset of type Offset for each string and one more.
template <class Offset>
class OffsetStrings : public OneByOne<OffsetStrings<Offset>> {
public:
    explicit OffsetStrings(const ArrowArray& array)
        : OneByOne<OffsetStrings<Offset>>(array),
          validity_(array.buffers[0]),
          offsets_(array.buffers[1]),
          bytes_(static_cast<const unsigned char*>(array.buffers[2])) {}

    // What has no bytes has no address either, for some producers.
    TokenView at(std::size_t i) const noexcept {
        const auto begin = load<Offset>(offsets_, i), end = load<Offset>(offsets_, i + 1);
        if (!is_valid(validity_, i) || begin < 0 || end < begin) return none;
        if (begin == end) return {&nothing, 0};
        return {bytes_ + begin, static_cast<std::size_t>(end - begin)};
    }

private:
    const void* validity_;
    const void* offsets_;
    const unsigned char* bytes_;
};

// utf8_view: 16 bytes a string, with the string itself in them if it has at most 12 bytes.
class ViewStrings : public OneByOne<ViewStrings> {
public:
    explicit ViewStrings(const ArrowArray& array)
        : OneByOne(array),
          validity_(array.buffers[0]),
          views_(static_cast<const unsigned char*>(array.buffers[1])),
          buffers_(array.buffers + 2),
          buffer_count_(static_cast<std::size_t>(array.n_buffers - 3)),
          sizes_(array.buffers[array.n_buffers - 1]) {}

    TokenView at(std::size_t i) const noexcept {
        if (!is_valid(validity_, i)) return none;
        const unsigned char* view = views_ + i * 16;
        std::int32_t field[4];  // size, prefix, buffer, offset
        std::memcpy(field, view, 16);
        if (field[0] < 0) return none;
        const auto size = static_cast<std::size_t>(field[0]);
        if (size <= 12) return {view + 4, size};
        if (field[2] < 0 || static_cast<std::size_t>(field[2]) >= buffer_count_ || field[3] < 0) return none;
        if (std::int64_t{field[3]} + field[0] > load<std::int64_t>(sizes_, static_cast<std::size_t>(field[2]))) return none;
        return {static_cast<const unsigned char*>(buffers_[field[2]]) + field[3], size};
    }

private:
    const void* validity_;
    const unsigned char* views_;
    const void** buffers_;
    std::size_t buffer_count_;
    const void* sizes_;
};

class NoStrings : public Strings {
public:
    explicit NoStrings(const ArrowArray& array) : count_(static_cast<std::size_t>(array.length)) {}
    std::size_t size() const noexcept override { return count_; }
    void read(std::size_t /*first*/, std::size_t count, TokenView* views, Scratch& /*scratch*/) const override {
        std::fill_n(views, count, none);
    }

private:
    std::size_t count_;
};

// Indices into strings that are kept once.
template <class Index>
class DictionaryStrings : public OneByOne<DictionaryStrings<Index>> {
public:
    DictionaryStrings(const ArrowArray& array, StringsPointer values)
        : OneByOne<DictionaryStrings<Index>>(array),
          validity_(array.buffers[0]),
          indices_(array.buffers[1]),
          values_(std::move(values)),
          views_(values_->size()) {
        Scratch unused;  // Arrow's strings stand in Arrow's memory
        values_->read(0, views_.size(), views_.data(), unused);
    }

    TokenView at(std::size_t i) const noexcept {
        if (!is_valid(validity_, i)) return none;
        // A negative one becomes too large.
        const auto index = static_cast<std::uint64_t>(load<Index>(indices_, i));  // NOLINT(bugprone-signed-char-misuse)
        return index < views_.size() ? views_[index] : none;
    }

private:
    const void* validity_;
    const void* indices_;
    StringsPointer values_;
    std::vector<TokenView> views_;
};

// Keeps the Arrow array alive that the strings stand in.
class HeldStrings : public Strings {
public:
    HeldStrings(ArrowArray& array, StringsPointer strings) : array_(array), strings_(std::move(strings)) {}
    std::size_t size() const noexcept override { return strings_->size(); }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& scratch) const override {
        strings_->read(first, count, views, scratch);
    }

private:
    Owned<ArrowArray> array_;
    StringsPointer strings_;
};

// Several arrays, one behind the other.
class JoinedStrings : public Strings {
public:
    explicit JoinedStrings(std::vector<StringsPointer> parts) : parts_(std::move(parts)) {
        std::size_t end = 0;
        for (const StringsPointer& part : parts_) ends_.push_back(end += part->size());
    }
    std::size_t size() const noexcept override { return ends_.empty() ? 0 : ends_.back(); }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& scratch) const override {
        auto part = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), first) - ends_.begin());
        for (; count > 0; ++part) {
            const std::size_t begin = part == 0 ? 0 : ends_[part - 1];
            const std::size_t here = std::min(count, ends_[part] - first);
            parts_[part]->read(first - begin, here, views, scratch);
            first += here, views += here, count -= here;
        }
    }

private:
    std::vector<StringsPointer> parts_;
    std::vector<std::size_t> ends_;
};

StringsPointer plain_strings(const std::string& format, const ArrowArray& array) {
    if (format == "n") return std::make_unique<NoStrings>(array);
    if ((format == "vu" || format == "vz") && array.n_buffers >= 3) return std::make_unique<ViewStrings>(array);
    if (array.n_buffers != 3) return nullptr;
    if (format == "u" || format == "z") return std::make_unique<OffsetStrings<std::int32_t>>(array);
    if (format == "U" || format == "Z") return std::make_unique<OffsetStrings<std::int64_t>>(array);
    return nullptr;
}

StringsPointer dictionary_strings(char index, const ArrowArray& array, StringsPointer values) {
    switch (index) {
        case 'c': return std::make_unique<DictionaryStrings<std::int8_t>>(array, std::move(values));
        case 'C': return std::make_unique<DictionaryStrings<std::uint8_t>>(array, std::move(values));
        case 's': return std::make_unique<DictionaryStrings<std::int16_t>>(array, std::move(values));
        case 'S': return std::make_unique<DictionaryStrings<std::uint16_t>>(array, std::move(values));
        case 'i': return std::make_unique<DictionaryStrings<std::int32_t>>(array, std::move(values));
        case 'I': return std::make_unique<DictionaryStrings<std::uint32_t>>(array, std::move(values));
        case 'l': return std::make_unique<DictionaryStrings<std::int64_t>>(array, std::move(values));
        case 'L': return std::make_unique<DictionaryStrings<std::uint64_t>>(array, std::move(values));
        default: return nullptr;
    }
}

// Whether arrays of this schema may hold strings, so that none is taken from a stream of others.
bool may_hold_strings(const ArrowSchema& schema) {
    const std::string format = schema.dictionary ? schema.dictionary->format : schema.format;
    return format == "n" || format == "u" || format == "U" || format == "vu" || format == "z" || format == "Z" ||
           format == "vz";
}

bool has_sane_sizes(const ArrowArray& array) noexcept { return array.length >= 0 && array.offset >= 0; }

StringsPointer strings_in(const ArrowSchema& schema, const ArrowArray& array) {
    if (!has_sane_sizes(array)) return nullptr;
    if (!schema.dictionary) return plain_strings(schema.format, array);
    if (!array.dictionary || !has_sane_sizes(*array.dictionary) || array.n_buffers != 2 || schema.format[0] == '\0')
        return nullptr;
    StringsPointer values = plain_strings(schema.dictionary->format, *array.dictionary);
    return values ? dictionary_strings(schema.format[0], array, std::move(values)) : nullptr;
}

std::string format_problem(const ArrowSchema& schema) {
    const std::string of = schema.dictionary ? std::string(" dictionary of ") + schema.dictionary->format : "";
    return std::string("expected an Arrow array of strings, got one of format ") + schema.format + of;
}

std::string stream_problem(ArrowArrayStream& stream) {
    const char* problem = stream.get_last_error(&stream);
    return std::string("the Arrow stream broke: ") + (problem ? problem : "without a message");
}

}  // namespace

ArrowStrings arrow_strings(const ArrowSchema& schema, ArrowArray& array) {
    StringsPointer strings = strings_in(schema, array);
    if (!strings) {
        Owned<ArrowArray> released(array);
        return {nullptr, format_problem(schema), false};
    }
    return {std::make_unique<HeldStrings>(array, std::move(strings)), "", false};
}

ArrowStrings arrow_strings(ArrowArrayStream& stream) {
    Owned<ArrowSchema> schema;
    if (stream.get_schema(&stream, schema.get()) != 0) return {nullptr, stream_problem(stream), true};
    if (!may_hold_strings(*schema.get())) return {nullptr, format_problem(*schema.get()), false};
    std::vector<StringsPointer> parts;
    for (;;) {
        ArrowArray array{};
        if (stream.get_next(&stream, &array) != 0) return {nullptr, stream_problem(stream), true};
        if (!array.release) break;
        ArrowStrings part = arrow_strings(*schema.get(), array);
        if (!part.strings) return part;
        parts.push_back(std::move(part.strings));
    }
    return {std::make_unique<JoinedStrings>(std::move(parts)), "", false};
}

}  // namespace glovestore
