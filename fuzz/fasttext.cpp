// What is inside fastText's files, and means of n-gram rows, over any bytes: never a stray read.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "fasttext.hpp"
#include "parse.hpp"
#include "require.hpp"
#include "subwords.hpp"

using namespace glovestore;

namespace {

// A copy in memory of its very own size, at least one element.
template <class T>
std::unique_ptr<T[]> copy_of(const std::uint8_t* data, std::size_t size, std::size_t count) {
    std::unique_ptr<T[]> memory(new T[count ? count : 1]());
    const std::size_t used = count * sizeof(T) < size ? count * sizeof(T) : size;
    if (used) std::memcpy(memory.get(), data, used);
    return memory;
}

void read_dictionary(const std::uint8_t* data, std::size_t size) {
    const auto bytes = copy_of<unsigned char>(data, size, size);
    const std::size_t most = size / shortest_entry + 1;
    const std::unique_ptr<unsigned char[]> tokens(new unsigned char[size + 1]), types(new unsigned char[most]);
    const std::unique_ptr<std::uint16_t[]> lengths(new std::uint16_t[most]);
    const Entries entries = read_entries(bytes.get(), size, most, tokens.get(), lengths.get(), types.get());
    require(entries.count <= most && entries.consumed <= size && entries.token_bytes <= size);
    std::size_t total = 0;
    for (std::size_t i = 0; i < entries.count; ++i) total += lengths[i];
    require(total == entries.token_bytes && entries.consumed == total + entries.count * shortest_entry);
}

void average(const std::uint8_t* data, std::size_t size) {
    const std::size_t rows = 1 + data[0] % 16, dim = 1 + data[1] % 9;
    const auto minn = 1u + data[2] % 4, maxn = 1u + data[3] % most_ngram;
    const auto bucket_count = static_cast<std::uint32_t>(rows + data[4]);
    const bool pruned = (data[5] & 1) != 0;
    data += 6, size -= 6;
    std::vector<float> vectors(rows * dim, 1.0f);
    const auto buckets = copy_of<std::uint64_t>(data, size, rows);
    const SubwordTable table{vectors.data(), pruned ? buckets.get() : nullptr, rows, dim,
                             pruned ? bucket_count : static_cast<std::uint32_t>(rows), minn, maxn};
    CopiedStrings tokens;
    for (std::size_t at = 0; at < size; at += 7) tokens.add(data + at, std::min<std::size_t>(size - at, at % 13));
    tokens.add_none();
    std::vector<float> out(tokens.size() * dim, 1.0f);
    mean_vectors(table, tokens, data[0] & 1 ? Own::given : Own::none, out.data(), 1);
    for (const float value : out) require(value == 0.0f || std::fabs(value - 1.0f) < 1e-5f);  // means of ones, or nothing
}

void decode(const std::uint8_t* data, std::size_t size) {
    const std::size_t dim = 1 + data[0] % 9, part_dim = 1 + data[1] % 9, parts = parts_of(dim, part_dim);
    const std::size_t count = (size - 2) / parts;
    if (count == 0) return;
    const auto centroids = copy_of<float>(data, size, centroids_a_part * dim);
    const auto codes = copy_of<unsigned char>(data + 2, size - 2, count * parts);
    std::vector<float> out(count * dim), norms(count, 2.0f);
    dequantise({centroids.get(), dim, part_dim}, codes.get(), data[0] & 1 ? norms.data() : nullptr, count, out.data(), 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 8) return 0;
    read_dictionary(data, size);
    average(data, size);
    decode(data, size);
    return 0;
}
