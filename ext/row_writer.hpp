// Rows on their way into a store: tokens into the token index, vectors into the file, and what is computed from them while
// they are in the cache (norms, statistics, block checksums).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "outcome.hpp"
#include "piece_hashes.hpp"
#include "stored.hpp"
#include "token_table.hpp"

namespace glovestore {

// Rows that belong together, with memory of their own, which serves one batch after the other.
struct RowBatch {
    Buffer<float> vectors;              // (rows, dim)
    Buffer<unsigned char> token_bytes;  // the tokens one behind the other
    Buffer<std::uint16_t> token_lengths;
    std::size_t rows = 0;

    // For a store of another dtype than float32: the vectors as it keeps them. `is_encoded`: they came like that.
    Buffer<unsigned char> stored;
    Buffer<float> scales;
    bool is_encoded = false;

    Buffer<unsigned char> is_duplicate;
    Buffer<float> norms;
    std::size_t duplicates = 0;
    std::size_t beyond = 0;   // the place of the first number that is too large, rows * dim if there is none,
    float beyond_value = 0;  // and the number
    std::vector<std::uint64_t> block_hashes;
    std::uint64_t first_row = 0;  // where they stand in the store, once they are placed
};

struct OutOfRange {
    std::uint64_t row;
    std::size_t column;
    float value;
    std::string token;
};

class RowWriter {
public:
    // Writes to `fd` (owned: closed with this object), row i at `vectors_offset` + i times the size of `dim` numbers of
    // `dtype`. Checksum blocks are counted from `checksums_offset`.
    RowWriter(int fd, std::uint64_t vectors_offset, std::uint64_t checksums_offset, std::size_t checksum_block,
              std::size_t dim, Stored dtype, std::uint64_t expected_rows, std::uint64_t seeds,
              const Kernels& kernels);
    ~RowWriter();
    RowWriter(const RowWriter&) = delete;
    RowWriter& operator=(const RowWriter&) = delete;

    // Three steps, for several threads: `place` and `add` in the order of the batches, one thread at a time in each;
    // `write` between them, any number of threads at once. What is computed from vectors is computed from those that the
    // store will give back: `write` rounds a batch's own to them.
    Outcome place(RowBatch& batch);  // gives each new token a row; ok or collisions
    Outcome write(RowBatch& batch);  // the others leave the batch; ok or write_failed
    Outcome add(RowBatch& batch);    // ok or out_of_range

    // All three, for one thread.
    Outcome append(RowBatch& batch);
    // Completes the index and the statistics. Nothing may be appended afterwards.
    bool finish();

    std::size_t dim() const { return dim_; }
    Stored dtype() const { return dtype_; }
    const Kernels& kernels() const { return kernels_; }
    const GrowingTokens& tokens() const { return tokens_; }
    std::uint64_t duplicates() const { return duplicates_; }
    const std::vector<std::string>& first_duplicates() const { return first_duplicates_; }
    const std::vector<float>& norms() const { return norms_; }
    const std::vector<float>& scales() const { return scales_; }  // of int8
    const OutOfRange& out_of_range() const { return out_of_range_; }  // the first number that the dtype cannot hold
    // The first is of a block whose start this object did not see.
    const std::vector<std::uint64_t>& block_hashes() const { return hashes_.finished(); }
    const std::vector<double>& mean() const { return mean_; }
    const std::vector<double>& std() const { return std_; }
    int error() const { return error_; }  // errno of a failed write, or 0

private:
    void encode(RowBatch& batch) const;
    const void* bytes_of(const RowBatch& batch) const;  // what goes into the file

    const int fd_;
    const std::uint64_t vectors_offset_;
    const std::size_t dim_;
    const Stored dtype_;
    const Kernels& kernels_;
    GrowingTokens tokens_;
    std::uint64_t duplicates_ = 0;
    std::vector<std::string> first_duplicates_;
    std::vector<float> norms_, scales_;
    OutOfRange out_of_range_{};
    PieceHashes hashes_;
    std::vector<double> mean_, squares_, shift_, sum_, sum_of_squares_, std_;
    Statistics statistics_;
    std::atomic<int> error_{0};
};

}  // namespace glovestore
