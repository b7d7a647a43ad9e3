// The records of a source -> rows of a store, by any number of threads.
//
//   Blocks           one thread at a time reads the next block of whole records
//   Records::parse   each its own block
//   RowWriter        in the order of the blocks: tokens get their rows; then all write; in order again: sums and checksums
//
// Because rows are placed in order when their block is parsed, nothing depends on the number of threads or the size of the
// blocks: neither a byte of the store nor which bad line is reported.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "blocks.hpp"
#include "in_order.hpp"
#include "outcome.hpp"
#include "piece_hashes.hpp"
#include "records.hpp"
#include "row_writer.hpp"

namespace glovestore {

struct Counts {
    std::uint64_t lines;  // records that were used up: header + rows + duplicates + skipped + not_kept
    std::uint64_t skipped;
    std::uint64_t not_kept;
    bool final_newline;
    bool last_is_unk;     // the last line was a row whose token is <unk>
    std::uint64_t fault_at;  // the byte of the source behind which no record stands, where that is the outcome
};

class Ingest {
public:
    // Borrows everything.
    // `header`: lines at the start of the source that are no rows, 0 or 1.
    Ingest(Blocks& blocks, const Records& records, RowWriter& writer, std::uint64_t header)
        : blocks_(blocks), records_(records), writer_(writer), digest_(digest_piece) {
        counts_.lines = header;
    }

    // Works until the source is used up or something stops all threads. Call it in as many threads as are wanted.
    void work() noexcept;
    void stop() noexcept { finish(Outcome::stopped, 0); }

    // What became of it, once all threads have returned. bad_line: bad_records() ends with it; what is the fault of a block
    // stands behind counts().lines; read_failed, write_failed: error() is the errno.
    Outcome outcome() const { return outcome_; }
    int error() const { return error_; }
    const Counts& counts() const { return counts_; }
    const std::vector<BadRecord>& bad_records() const { return bad_records_; }
    std::uint64_t source_bytes() const { return digest_.bytes(); }
    std::uint64_t source_digest() const { return digest_.digest(); }

private:
    static constexpr std::size_t digest_piece = std::size_t{1} << 20;

    bool handle(ParsedBlock& parsed);
    bool place(ParsedBlock& parsed);
    void finish(Outcome outcome, int error) noexcept;

    Blocks& blocks_;
    const Records& records_;
    RowWriter& writer_;

    InOrder placing_;
    Counts counts_{0, 0, 0, true, false, 0};
    std::vector<BadRecord> bad_records_;

    InOrder adding_;
    PieceHashes digest_;

    std::mutex finishing_;
    std::atomic<bool> finished_{false};
    Outcome outcome_ = Outcome::ok;
    int error_ = 0;
};

}  // namespace glovestore
