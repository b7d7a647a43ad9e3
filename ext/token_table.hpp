// The tokens of a store while it is built: each one once, in row order, with the token index growing alongside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "token_index.hpp"

namespace glovestore {

constexpr std::uint64_t index_seeds = 4;

class GrowingTokens {
public:
    // `expected_rows` saves growing; a wrong guess costs time only. Seeds 0 to `seeds` - 1 are tried.
    explicit GrowingTokens(std::uint64_t expected_rows, std::uint64_t seeds = index_seeds);

    // Adds `count` tokens that stand one behind the other. is_duplicate[i] tells which were there already and are left
    // out. False: thousands of tokens collide under every seed, as only a hostile file's do.
    bool add(const unsigned char* bytes, const std::uint16_t* lengths, std::size_t count, unsigned char* is_duplicate);

    // Adds one token of any length if it is not there; `row` is its row. False: as above.
    bool add(const TokenView& token, std::int64_t& row);

    // Makes the index what FORMAT.md asks for: the smallest number of buckets, the first seed that will do.
    bool finish();

    // False after a failure: then there is no index, and nothing may be looked up or added.
    bool is_whole() const { return is_whole_; }

    std::uint64_t rows() const { return offsets_.size() - 1; }
    TokenTable table() const { return {bytes_.data(), offsets_.back(), offsets_.data(), rows()}; }
    IndexView index() const { return {slots_.data(), slots_.size() / bucket_slots, seed_, longest_probe_}; }

private:
    void reserve(std::uint64_t size);
    bool rebuild(std::uint64_t buckets, std::uint64_t first_seed);
    bool insert_last(std::uint64_t hash, bool& is_duplicate);

    std::vector<unsigned char> bytes_ = std::vector<unsigned char>(1);  // data() is never null
    std::vector<std::uint64_t> offsets_{0};
    std::vector<std::uint64_t> slots_;
    std::uint64_t seeds_;
    std::uint64_t seed_ = 0;
    std::uint32_t longest_probe_ = 0;
    bool is_whole_ = true;
};

}  // namespace glovestore
