// Look-ups over any content of a token index and its tokens: a miss or a hit, as FORMAT.md says, never a stray read or a
// hang.
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "hash.hpp"
#include "lookup.hpp"
#include "require.hpp"

using namespace glovestore;

namespace {

// Words of its very own size, filled with what is left of the data, then zeros.
std::unique_ptr<std::uint64_t[]> words(const std::uint8_t*& data, std::size_t& size, std::size_t count) {
    std::unique_ptr<std::uint64_t[]> memory(new std::uint64_t[count]());
    const std::size_t used = count * 8 < size ? count * 8 : size;
    std::memcpy(memory.get(), data, used);
    data += used, size -= used;
    return memory;
}

void require_in_range(std::int64_t row, std::uint64_t rows) {
    require(row == absent || (row >= 0 && static_cast<std::uint64_t>(row) < rows));
}

// FORMAT.md, "Token index": bucket by bucket from the home one on, up to the first empty slot.
std::int64_t find_by_the_book(const IndexView& index, const TokenTable& table, const TokenView& token) {
    const std::uint64_t hash = xxh64(token.bytes, token.size, index.seed), slots = index.buckets * bucket_slots;
    std::uint64_t first = 0;  // the highest bits of the hash
    for (std::uint64_t i = 1, bits = hash; i < index.buckets; i *= 2, bits <<= 1) first = first * 2 + (bits >> 63);
    first *= bucket_slots;
    for (std::uint64_t i = 0; i < (index.longest_probe + std::uint64_t{1}) * bucket_slots; ++i) {
        const std::uint64_t slot = index.slots[(first + i) % slots], row = slot % (std::uint64_t{1} << 32) - 1;
        if (slot % (std::uint64_t{1} << 32) == 0) return absent;
        if (slot >> 32 != hash % (std::uint64_t{1} << 32) || row >= table.rows) continue;
        const std::uint64_t begin = table.offsets[row], end = table.offsets[row + 1];
        if (begin <= end && end <= table.size && end - begin == token.size && std::memcmp(table.bytes + begin, token.bytes, token.size) == 0)
            return static_cast<std::int64_t>(row);
    }
    return absent;
}

// Makes slots name tokens that are looked up, which no fuzzer guesses: their hashes, and rows about the last one.
void plant(std::uint64_t* slots, std::size_t count, const std::vector<TokenView>& tokens, std::uint64_t seed, std::uint64_t rows) {
    for (std::size_t i = 0; i < count && !tokens.empty(); ++i) {
        const TokenView& token = tokens[i % tokens.size()];
        slots[i] = xxh64(token.bytes, token.size, seed) << 32 | slots[i] % (rows + 3);
    }
}

}  // namespace

// Four bytes say rows, buckets, probes and how long the tokens are; then offsets, slots, and the tokens' bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 5) return 0;
    const std::uint64_t rows = 1 + data[0] % 32, buckets = std::uint64_t{2} << (data[1] % 4), seed = data[1];
    const std::uint32_t longest_probe = data[2] % (most_probes + 1);
    const std::size_t length = data[3] % 9;
    const bool plants = (data[1] & 0x80) != 0;
    data += 4, size -= 4;
    const auto offsets = words(data, size, rows + 1);
    const auto slots = words(data, size, buckets * bucket_slots);
    const std::unique_ptr<unsigned char[]> bytes(new unsigned char[size + 1]);
    std::memcpy(bytes.get(), data, size);
    const TokenTable table{bytes.get(), size, offsets.get(), rows};
    const IndexView index{slots.get(), buckets, seed, longest_probe};

    std::vector<TokenView> tokens;
    for (std::size_t at = 0; at + length <= size && tokens.size() < 64; ++at) tokens.push_back({bytes.get() + at, length});
    if (plants) plant(slots.get(), buckets * bucket_slots, tokens, seed, rows);
    std::vector<std::int64_t> found(tokens.size());
    if (!tokens.empty()) find_rows(index, table, tokens.data(), tokens.size(), found.data());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        require_in_range(found[i], rows);
        require(found[i] == find_row(index, table, tokens[i].bytes, tokens[i].size));
        require(found[i] == find_by_the_book(index, table, tokens[i]));
    }
    require(first_lost_row(index, table) <= rows);
    return 0;
}
