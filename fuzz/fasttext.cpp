// What is inside fastText's files, and means of n-gram rows, over any bytes: never a stray read, and what fastText's own
// sources say.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
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

// Dictionary::load: a token up to NUL, eight bytes of a count, a byte of a type.
void read_dictionary(const std::uint8_t* data, std::size_t size) {
    const auto bytes = copy_of<unsigned char>(data, size, size);
    const std::size_t most = size / shortest_entry + 1;
    const std::unique_ptr<unsigned char[]> tokens(new unsigned char[size + 1]), types(new unsigned char[most]);
    const std::unique_ptr<std::uint16_t[]> lengths(new std::uint16_t[most]);
    const Entries entries = read_entries(bytes.get(), size, most, tokens.get(), lengths.get(), types.get());
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::size_t at = 0, count = 0, token_bytes = 0;
    for (std::size_t end; (end = text.find('\0', at)) != std::string::npos && end + 10 <= size; ++count, at = end + 10) {
        require(count < entries.count && lengths[count] == end - at && types[count] == data[end + 9]);
        require(std::memcmp(tokens.get() + token_bytes, data + at, end - at) == 0);
        token_bytes += end - at;
    }
    require(entries.count == count && entries.consumed == at && entries.token_bytes == token_bytes && !entries.token_too_long);
}

// Dictionary::computeSubwords of "<token>", character by character: the buckets of its n-grams.
std::vector<std::uint32_t> buckets_by_the_book(const std::string& token, const SubwordTable& table) {
    std::vector<std::string> characters;
    for (const char c : "<" + token + ">") {
        if ((static_cast<unsigned char>(c) & 0xC0) == 0x80 && !characters.empty()) characters.back() += c;
        else characters.emplace_back(1, c);
    }
    std::vector<std::uint32_t> buckets;
    for (std::size_t begin = 0; begin < characters.size(); ++begin) {
        std::string gram;
        for (std::size_t n = 1; n <= table.maxn && begin + n <= characters.size(); ++n) {
            gram += characters[begin + n - 1];
            if (n < table.minn || (n == 1 && (begin == 0 || begin + n == characters.size()))) continue;
            std::uint32_t hash = 2166136261u;
            for (const char c : gram) hash = (hash ^ static_cast<std::uint32_t>(static_cast<std::int8_t>(c))) * 16777619u;
            buckets.push_back(hash % table.bucket_count);
        }
    }
    return buckets;
}

// FastText::getWordVector; where buckets are out of order nobody can say which of them is found.
void require_mean(const SubwordTable& table, const std::string& token, bool has_own, const float* found) {
    const bool is_end = token == "</s>";
    std::vector<float> sum(table.dim, has_own ? 0.25f : 0.0f);
    std::size_t count = has_own;
    for (const std::uint32_t bucket : is_end ? std::vector<std::uint32_t>() : buckets_by_the_book(token, table)) {
        std::uint64_t row = bucket;
        if (table.buckets)
            for (row = 0; row < table.rows && table.buckets[row] != bucket;) ++row;
        if (row >= table.rows) continue;
        ++count;
        for (std::size_t d = 0; d < table.dim; ++d) sum[d] += table.vectors[row * table.dim + d];
    }
    for (std::size_t d = 0; d < table.dim; ++d) {
        const float mean = count ? sum[d] * static_cast<float>(1.0 / static_cast<double>(count)) : 0.0f;
        require(found[d] == mean || (found[d] != found[d] && mean != mean));
    }
}

void average(const std::uint8_t* data, std::size_t size) {
    const std::size_t rows = 1 + data[0] % 16, dim = 1 + data[1] % 9;
    const auto minn = 1u + data[2] % 4, maxn = 1u + data[3] % most_ngram;
    const bool pruned = (data[5] & 1) != 0, in_order = (data[5] & 2) != 0, has_own = (data[5] & 4) != 0;
    const auto bucket_count = static_cast<std::uint32_t>(pruned ? rows + data[4] : rows);
    data += 6, size -= 6;
    const auto vectors = copy_of<float>(data, size, rows * dim);
    auto buckets = copy_of<std::uint64_t>(data, size, rows);
    if (in_order)
        for (std::size_t i = 0; i < rows; ++i) buckets[i] = i * bucket_count / rows;
    const SubwordTable table{vectors.get(), pruned ? buckets.get() : nullptr, rows, dim, bucket_count, minn, maxn};
    CopiedStrings tokens;
    std::vector<std::string> copies{"</s>"};
    for (std::size_t at = 0; at < size; at += 7)
        copies.emplace_back(reinterpret_cast<const char*>(data + at), std::min<std::size_t>(size - at, at % 13));
    for (const std::string& token : copies) tokens.add(token.data(), token.size());
    tokens.add_none();
    std::vector<float> out(tokens.size() * dim, 0.25f);
    mean_vectors(table, tokens, has_own ? Own::given : Own::none, out.data(), 1);
    for (std::size_t i = 0; i < copies.size() && (!pruned || in_order); ++i)
        require_mean(table, copies[i], has_own, out.data() + i * dim);
}

// ProductQuantizer::addcode, without its sum: the centroids of a row's codes, side by side.
void decode(const std::uint8_t* data, std::size_t size) {
    const std::size_t dim = 1 + data[0] % 9, part_dim = 1 + data[1] % 9, parts = parts_of(dim, part_dim);
    const std::size_t count = (size - 2) / parts;
    if (count == 0) return;
    const auto centroids = copy_of<float>(data, size, centroids_a_part * dim);
    const auto codes = copy_of<unsigned char>(data + 2, size - 2, count * parts);
    std::vector<float> out(count * dim);
    const std::vector<float> norms(count, 2.0f);
    const bool has_norms = (data[0] & 1) != 0;
    dequantise({centroids.get(), dim, part_dim}, codes.get(), has_norms ? norms.data() : nullptr, count, out.data(), 1);
    for (std::size_t i = 0; i < count * dim; ++i) {
        const std::size_t column = i % dim, part = column / part_dim;
        const std::size_t width = std::min(part_dim, dim - part * part_dim);
        const float* const centroid = centroids.get() + part * 256 * part_dim + codes[i / dim * parts + part] * width;
        const float expected = centroid[column % part_dim] * (has_norms ? 2.0f : 1.0f);
        require(out[i] == expected || (out[i] != out[i] && expected != expected));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 8) return 0;
    read_dictionary(data, size);
    average(data, size);
    decode(data, size);
    return 0;
}
