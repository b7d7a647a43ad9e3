// Strings in Arrow arrays and streams of any content, against what the columnar format says of each string.
//
// Arrow says how long an array is, and how many bytes a view's buffers have; it does not say how long the other buffers
// are. So those are as long as they have to be, and offsets of utf8 and large_utf8 may be negative or fall, but do not pass
// the bytes' end: nobody who reads an array through the C data interface could tell.
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow.hpp"
#include "input.hpp"
#include "require.hpp"

using namespace glovestore;

namespace {

using Text = std::optional<std::string>;
using Bytes = std::unique_ptr<unsigned char[]>;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): callbacks of C count in them
std::size_t released = 0, made = 0;

// An array with its memory, and what stands in it.
struct Held {
    std::vector<Bytes> memory;
    std::vector<const void*> buffers;
    std::unique_ptr<Held> dictionary;
    std::string format;
    std::vector<Text> texts;
    ArrowArray array{};
    ArrowSchema schema{};

    template <class T>
    void add(const std::vector<T>& values) {
        memory.emplace_back(new unsigned char[values.size() * sizeof(T)]);
        if (!values.empty()) std::memcpy(memory.back().get(), values.data(), values.size() * sizeof(T));
        buffers.push_back(memory.back().get());
    }
};

void release(ArrowArray* array) {
    array->release = nullptr;
    ++released;
}

void finish(Held& held, std::size_t length, std::size_t offset) {
    held.array.length = static_cast<std::int64_t>(length);
    held.array.offset = static_cast<std::int64_t>(offset);
    held.array.n_buffers = static_cast<std::int64_t>(held.buffers.size());
    held.array.buffers = held.buffers.data();
    held.schema.format = held.format.c_str();
    if (held.dictionary) {
        held.array.dictionary = &held.dictionary->array;
        held.schema.dictionary = &held.dictionary->schema;
    }
}

// Which of `size` strings are valid; no buffer: all.
std::vector<bool> add_validity(Held& held, Input& input, std::size_t size) {
    std::vector<bool> valid(size, true);
    if (input.flag()) {
        held.buffers.push_back(nullptr);
        return valid;
    }
    std::vector<unsigned char> bits((size + 7) / 8);
    for (unsigned char& byte : bits) byte = input.number<unsigned char>();
    for (std::size_t i = 0; i < size; ++i) valid[i] = (bits[i / 8] >> (i % 8) & 1) != 0;
    held.add(bits);
    return valid;
}

template <class Offset>
void add_offset_strings(Held& held, Input& input, std::size_t size, std::size_t first) {
    const std::vector<bool> valid = add_validity(held, input, size);
    std::vector<Offset> offsets;
    for (std::size_t i = 0; i <= size; ++i)
        offsets.push_back(input.below(8) == 0 ? static_cast<Offset>(-1 - input.number<std::int8_t>() % 100) : static_cast<Offset>(input.below(40)));
    std::string bytes = input.bytes(40);
    bytes.resize(127 + 40, 'x');
    held.add(offsets);
    held.add(std::vector<char>(bytes.begin(), bytes.end()));
    for (std::size_t i = first; i < size; ++i) {
        const bool is_string = valid[i] && offsets[i] >= 0 && offsets[i + 1] >= offsets[i];
        const auto begin = static_cast<std::size_t>(offsets[i]), end = static_cast<std::size_t>(offsets[i + 1]);
        held.texts.push_back(is_string ? Text(bytes.substr(begin, end - begin)) : std::nullopt);
    }
}

void add_view_strings(Held& held, Input& input, std::size_t size, std::size_t first) {
    const std::vector<bool> valid = add_validity(held, input, size);
    std::vector<std::string> contents;
    for (std::size_t count = input.below(4); count > 0; --count) contents.push_back(input.bytes(input.below(60)));
    std::vector<std::int32_t> views;
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t way = input.below(8), number = input.below(contents.size() + 1), length = input.below(24);
        const std::size_t behind = number < contents.size() ? contents[number].size() : 0;
        const std::size_t last = behind > length ? behind - length : 0;  // where it just fits
        const std::size_t begin = way < 4 ? last + way % 2 : input.below(40);
        views.push_back(way == 7 ? input.number<std::int32_t>() : static_cast<std::int32_t>(length));
        views.push_back(input.number<std::int32_t>());
        views.push_back(way >= 6 ? input.number<std::int32_t>() : static_cast<std::int32_t>(number));
        views.push_back(way >= 6 ? input.number<std::int32_t>() : static_cast<std::int32_t>(begin));
    }
    held.add(views);
    std::vector<std::int64_t> sizes;
    for (const std::string& content : contents) {
        held.add(std::vector<char>(content.begin(), content.end()));
        sizes.push_back(static_cast<std::int64_t>(content.size()));
    }
    held.add(sizes);
    for (std::size_t i = first; i < size; ++i) {
        const std::int32_t* view = &views[i * 4];
        const auto length = std::int64_t{view[0]}, number = std::int64_t{view[2]}, begin = std::int64_t{view[3]};
        const bool inside = number >= 0 && number < static_cast<std::int64_t>(sizes.size()) && begin >= 0 &&
                            begin + length <= sizes[static_cast<std::size_t>(std::max<std::int64_t>(number, 0))];
        Text text;
        if (valid[i] && length >= 0 && length <= 12)
            text = std::string(reinterpret_cast<const char*>(view + 1), static_cast<std::size_t>(length));
        else if (valid[i] && length > 12 && inside)
            text = contents[static_cast<std::size_t>(number)].substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(length));
        held.texts.push_back(text);
    }
}

template <class Index>
void add_indices(Held& held, Input& input, std::size_t size, std::size_t first) {
    const std::vector<bool> valid = add_validity(held, input, size);
    std::vector<Index> indices;
    for (std::size_t i = 0; i < size; ++i)
        indices.push_back(input.below(6) == 0 ? input.number<Index>() : static_cast<Index>(input.below(9)));
    held.add(indices);
    for (std::size_t i = first; i < size; ++i) {
        const bool known = valid[i] && indices[i] >= 0 && static_cast<std::uint64_t>(indices[i]) < held.dictionary->texts.size();
        held.texts.push_back(known ? held.dictionary->texts[static_cast<std::size_t>(indices[i])] : std::nullopt);
    }
}

std::unique_ptr<Held> plain_array(Input& input, std::size_t kind) {
    auto held = std::make_unique<Held>();
    const std::size_t length = input.below(20), first = input.below(10), size = first + length;
    constexpr const char* formats[] = {"u", "z", "U", "Z", "vu", "vz", "n"};
    held->format = formats[kind];
    if (kind < 2) add_offset_strings<std::int32_t>(*held, input, size, first);
    else if (kind < 4) add_offset_strings<std::int64_t>(*held, input, size, first);
    else if (kind < 6) add_view_strings(*held, input, size, first);
    else held->texts.resize(length);
    finish(*held, length, first);
    return held;
}

std::unique_ptr<Held> array_of(Input& input, std::size_t kind, std::size_t index) {
    if (index == 8) return plain_array(input, kind);
    auto held = std::make_unique<Held>();
    held->dictionary = plain_array(input, kind);
    const std::size_t length = input.below(20), first = input.below(10), size = first + length;
    held->format = std::string(1, "cCsSiIlL"[index]);
    switch (index) {
        case 0: add_indices<std::int8_t>(*held, input, size, first); break;
        case 1: add_indices<std::uint8_t>(*held, input, size, first); break;
        case 2: add_indices<std::int16_t>(*held, input, size, first); break;
        case 3: add_indices<std::uint16_t>(*held, input, size, first); break;
        case 4: add_indices<std::int32_t>(*held, input, size, first); break;
        case 5: add_indices<std::uint32_t>(*held, input, size, first); break;
        case 6: add_indices<std::int64_t>(*held, input, size, first); break;
        default: add_indices<std::uint64_t>(*held, input, size, first); break;
    }
    finish(*held, length, first);
    return held;
}

void require_strings(const ArrowStrings& found, const std::vector<Text>& expected, Input& cuts) {
    require(found.strings && found.problem.empty() && found.strings->size() == expected.size());
    Scratch scratch;
    for (std::size_t first = 0; first < expected.size();) {
        const std::size_t count = std::min(expected.size() - first, 1 + cuts.below(9));
        const std::unique_ptr<TokenView[]> views(new TokenView[count]);
        found.strings->read(first, count, views.get(), scratch);
        for (std::size_t i = 0; i < count; ++i) {
            const Text& text = expected[first + i];
            require((views[i].bytes != nullptr) == text.has_value());
            require(!text || std::string(reinterpret_cast<const char*>(views[i].bytes), views[i].size) == *text);
        }
        first += count;
    }
}

// --- streams ---

struct Stream {
    std::deque<std::unique_ptr<Held>> arrays;
    const ArrowSchema* schema;
    bool breaks;
};

int next(ArrowArrayStream* stream, ArrowArray* out) {
    auto& given = *static_cast<Stream*>(stream->private_data);
    *out = {};
    if (given.arrays.empty()) return given.breaks ? 5 : 0;
    static std::deque<std::unique_ptr<Held>> kept;  // the memory of an array outlives the stream
    if (kept.size() > 64) kept.pop_front();
    kept.push_back(std::move(given.arrays.front()));
    given.arrays.pop_front();
    *out = kept.back()->array;
    out->release = release;
    ++made;
    return 0;
}

int schema_of(ArrowArrayStream* stream, ArrowSchema* out) {
    *out = *static_cast<Stream*>(stream->private_data)->schema;
    return 0;
}

const char* no_message(ArrowArrayStream* /*stream*/) { return nullptr; }

void require_stream(Input& input, std::size_t kind, std::size_t index) {
    Stream given{{}, nullptr, input.below(4) == 0};
    const std::unique_ptr<Held> model = array_of(input, kind, index);
    given.schema = &model->schema;
    std::vector<Text> expected;
    for (std::size_t count = input.below(5); count > 0; --count) {
        given.arrays.push_back(array_of(input, kind, index));
        expected.insert(expected.end(), given.arrays.back()->texts.begin(), given.arrays.back()->texts.end());
    }
    ArrowArrayStream stream{schema_of, next, no_message, nullptr, &given};
    const ArrowStrings found = arrow_strings(stream);
    if (given.breaks) require(found.is_broken && !found.strings);
    else require_strings(found, expected, input);
}

// Arrays that do not keep to the format as far as it can be seen: refused, and released.
void require_refused(Input& input, std::size_t kind, std::size_t index) {
    const std::unique_ptr<Held> held = array_of(input, kind, index);
    ArrowArray array = held->array;
    ArrowSchema schema = held->schema;
    const std::string format = input.bytes(3);
    switch (input.below(5)) {
        case 0: array.length = -1; break;
        case 1: array.offset = -1 - input.number<std::int8_t>() % 100 - 100; break;
        case 2: array.n_buffers = schema.dictionary ? 3 : 2; break;
        case 3: array.dictionary = nullptr; if (schema.dictionary) break; [[fallthrough]];
        default: schema.format = format.c_str(); array.n_buffers = 0; break;
    }
    if (kind == 6 && !schema.dictionary && array.length >= 0 && array.offset >= 0 && (format == "n" || schema.format != format.c_str())) return;
    if (format == "n" && schema.format == format.c_str()) return;
    array.release = release;
    ++made;
    const ArrowStrings found = arrow_strings(schema, array);
    require(!found.strings && !found.problem.empty() && !array.release);
}

}  // namespace

// Three bytes say what kind of array, and whether in a stream; then what is in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const std::size_t kind = input.below(7), index = input.below(9), way = input.below(3);
    released = made = 0;
    if (way == 0) {
        const std::unique_ptr<Held> held = array_of(input, kind, index);
        ArrowArray array = held->array;
        array.release = release;
        ++made;
        const ArrowStrings found = arrow_strings(held->schema, array);
        require(!array.release);  // it is theirs now
        require_strings(found, held->texts, input);
    } else if (way == 1) {
        require_stream(input, kind, index);
    } else {
        require_refused(input, kind, index);
    }
    require(released == made);
    return 0;
}
