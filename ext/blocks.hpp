// A source as blocks of whole records, handed out in order to any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "records.hpp"

namespace glovestore {

constexpr std::size_t most_fed = 8;  // pieces that wait to be read: threads that parse need not wait for the next one

class Blocks {
public:
    // Reads `fd` (owned: closed with this object) from where it stands, or what is fed if fd < 0. The `head_size` bytes at
    // `head` come first: they were read already. Borrows `records`.
    Blocks(int fd, const char* head, std::size_t head_size, std::size_t block_size, Records& records)
        : fd_(fd), head_(head, head + head_size), block_size_(block_size), records_(records) {}
    ~Blocks();
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

    // Fills the next block; false at the end, after stop(), or when reading failed.
    bool next(Block& block);

    // Gives a piece of bytes to a source without descriptor. It must stay until `most_fed` others were taken, or for as long
    // as this object. False: so many are still waiting after `seconds`, nothing was taken; try again. What comes when no
    // more is wanted is taken and forgotten.
    bool feed(const char* data, std::size_t size, double seconds);
    void finish_feeding();

    void stop();
    bool used_up() const { return at_end_ || stopped_; }  // no block will come any more
    int error() const { return error_; }           // errno of a failed read, or 0
    std::uint64_t bytes() const { return bytes_; }  // handed out so far

private:
    std::size_t read(char* out, std::size_t size);
    std::size_t read_descriptor(char* out, std::size_t size);
    std::size_t read_fed(char* out, std::size_t size);
    void fill(Block& block);
    void wake_feeder();

    const int fd_;
    std::vector<char> head_;
    std::size_t head_used_ = 0;
    const std::size_t block_size_;
    Records& records_;

    std::mutex reading_;  // held by the thread whose block is being filled; guards all but the fed bytes
    std::vector<char> carried_;
    std::uint64_t blocks_ = 0;
    std::atomic<bool> at_end_{false};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<int> error_{0};
    std::atomic<bool> stopped_{false};

    std::mutex feeding_;
    std::condition_variable fed_changed_;
    struct Piece {
        const char* data;
        std::size_t size;
    };
    std::deque<Piece> fed_;
    bool fed_all_ = false;
};

}  // namespace glovestore
