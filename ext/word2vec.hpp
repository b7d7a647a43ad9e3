// Rows of word2vec's binary format as records: token, 0x20, dim little-endian float32, and then 0x0A or nothing.
//
// As in gensim and in the tool itself, newlines before a token are no part of it: so the one behind a row is of the next
// record. Where a row ends is known only when its token was read, in order; that touches nothing else of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "records.hpp"

namespace glovestore {

class Word2vecRows final : public Records {
public:
    // The source is said to hold `rows`. 1 <= dim, and a row's numbers take longest_record bytes at most.
    Word2vecRows(std::size_t dim, std::uint64_t rows, const RecordOptions& options)
        : dim_(dim), options_(options), rows_left_(rows < options.most ? rows : options.most),
          is_limited_(options.most < rows) {}

    // The block's fault is truncated, left_over (bytes behind the last row) or record_too_long (no end of a token).
    bool cut(Block& block, std::size_t searched, bool at_end) override;
    void parse(ParsedBlock& parsed, const Kernels& kernels) const override;
    bool is_cut() const override { return is_limited_ && rows_left_ == 0; }

private:
    bool finish(Block& block, bool at_end) const;

    const std::size_t dim_;
    const RecordOptions options_;
    std::uint64_t rows_left_;
    const bool is_limited_;
};

}  // namespace glovestore
