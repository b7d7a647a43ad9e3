// Look-ups over any content of a token index and its tokens: a miss or a hit, never a stray read or a hang.
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

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

}  // namespace

// Four bytes say rows, buckets, probes and how long the tokens are; then offsets, slots, and the tokens' bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 5) return 0;
    const std::uint64_t rows = 1 + data[0] % 32, buckets = std::uint64_t{2} << (data[1] % 4), seed = data[1];
    const std::uint32_t longest_probe = data[2] % (most_probes + 1);
    const std::size_t length = data[3] % 9;
    data += 4, size -= 4;
    const auto offsets = words(data, size, rows + 1);
    const auto slots = words(data, size, buckets * bucket_slots);
    const std::unique_ptr<unsigned char[]> bytes(new unsigned char[size + 1]);
    std::memcpy(bytes.get(), data, size);
    const TokenTable table{bytes.get(), size, offsets.get(), rows};
    const IndexView index{slots.get(), buckets, seed, longest_probe};

    std::vector<TokenView> tokens;
    for (std::size_t at = 0; at + length <= size && tokens.size() < 64; ++at) tokens.push_back({bytes.get() + at, length});
    std::vector<std::int64_t> found(tokens.size());
    if (!tokens.empty()) find_rows(index, table, tokens.data(), tokens.size(), found.data());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        require_in_range(found[i], rows);
        require(found[i] == find_row(index, table, tokens[i].bytes, tokens[i].size));
    }
    require(first_lost_row(index, table) <= rows);
    return 0;
}
