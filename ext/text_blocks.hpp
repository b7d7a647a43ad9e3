// A source of text as blocks of whole lines, handed out in order to any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <vector>

namespace glovestore {

constexpr std::size_t most_fed = 8;  // pieces that wait to be read: threads that parse need not wait for the next one
constexpr std::size_t longest_line = std::size_t{1} << 24;  // bytes: a longer one is no row, and memory must stay bounded

// The memory belongs to one thread, which uses it for block after block.
//
//   memory |left over by the block before|bytes read for this one ... \n|start of a line|
//                                        ^ fresh            lines_end ^                ^ fresh + fresh_size
//
// The start of a line at the end is carried over to the next block.
struct TextBlock {
    std::vector<char> memory;
    std::size_t fresh;
    std::size_t fresh_size;
    std::size_t lines_end;
    std::uint64_t position;  // of the fresh bytes in the source
    std::uint64_t number;    // 0, 1, 2, ...
    bool line_too_long;      // behind lines_end stands a line of more than longest_line bytes
    bool unfinished;         // the source's last line, here, had no newline: it has one now, at lines_end - 1
};

class TextBlocks {
public:
    // Reads `fd` (owned: closed with this object) from where it stands, or what is fed if fd < 0. The `head_size` bytes at
    // `head` come first: they were read already. Hands out `most_lines` lines at most.
    TextBlocks(int fd, const char* head, std::size_t head_size, std::size_t block_size, std::uint64_t most_lines)
        : fd_(fd), head_(head, head + head_size), block_size_(block_size), lines_left_(most_lines) {}
    ~TextBlocks();
    TextBlocks(const TextBlocks&) = delete;
    TextBlocks& operator=(const TextBlocks&) = delete;

    // Fills the next block; false at the end, after stop(), or when reading failed.
    bool next(TextBlock& block);

    // Gives a piece of bytes to a source without descriptor. It must stay until `most_fed` others were taken, or for as long
    // as this object. False: so many are still waiting after `seconds`, nothing was taken; try again. What comes when no
    // more is wanted is taken and forgotten.
    bool feed(const char* data, std::size_t size, double seconds);
    void finish_feeding();

    void stop();
    bool used_up() const { return at_end_ || stopped_; }  // no block will come any more
    int error() const { return error_; }           // errno of a failed read, or 0
    std::uint64_t bytes() const { return bytes_; }  // handed out so far
    bool cut() const { return lines_left_ == 0; }  // most_lines were handed out: there may be more

private:
    std::size_t read(char* out, std::size_t size);
    std::size_t read_descriptor(char* out, std::size_t size);
    std::size_t read_fed(char* out, std::size_t size);
    void fill(TextBlock& block);
    void cut_lines(TextBlock& block);
    void wake_feeder();

    const int fd_;
    std::vector<char> head_;
    std::size_t head_used_ = 0;
    const std::size_t block_size_;
    std::uint64_t lines_left_;

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
