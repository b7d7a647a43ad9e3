#include "text_blocks.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "number.hpp"

#if defined(_WIN32)
#include <io.h>
#else
#include <poll.h>
#include <unistd.h>
#endif

namespace glovestore {
namespace {

constexpr int poll_milliseconds = 50;  // how long a stalled pipe keeps a thread from seeing stop()

#if defined(_WIN32)
void close_descriptor(int fd) { ::_close(fd); }
std::ptrdiff_t read_some(int fd, char* out, std::size_t size) {
    return ::_read(fd, out, static_cast<unsigned>(std::min<std::size_t>(size, 1 << 30)));
}
bool ready(int) { return true; }
#else
void close_descriptor(int fd) { ::close(fd); }
std::ptrdiff_t read_some(int fd, char* out, std::size_t size) { return ::read(fd, out, size); }

bool ready(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, poll_milliseconds) != 0;  // an error too: read() says which
}
#endif

// The first byte behind the last newline of [begin, end), or 0.
std::size_t behind_last_newline(const char* data, std::size_t begin, std::size_t end) {
    while (end > begin && data[end - 1] != '\n') --end;
    return end > begin ? end : 0;
}

std::size_t first_newline(const char* data, std::size_t begin, std::size_t end) {
    const void* found = std::memchr(data + begin, '\n', end - begin);
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - data) : end;
}

}  // namespace

TextBlocks::~TextBlocks() {
    if (fd_ >= 0) close_descriptor(fd_);
}

bool TextBlocks::next(TextBlock& block) {
    const std::lock_guard<std::mutex> lock(reading_);
    if (at_end_ || stopped_) return false;
    block.number = blocks_;
    block.position = bytes_;
    block.line_too_long = block.unfinished = false;
    fill(block);
    if (error_ != 0 || stopped_) return false;
    cut_lines(block);
    if (at_end_) wake_feeder();
    bytes_ += block.fresh_size;
    const std::size_t end = block.fresh + block.fresh_size;
    const char* const data = block.memory.data();
    carried_.assign(data + std::min(block.lines_end, end), data + end);
    if (block.lines_end == 0 && !block.line_too_long) return false;  // the end, and nothing before it
    ++blocks_;
    return true;
}

// Reads until the block has a whole line and block_size bytes, or the source ends.
void TextBlocks::fill(TextBlock& block) {
    block.fresh = carried_.size();
    block.fresh_size = block.lines_end = 0;
    std::size_t end = block.fresh;
    do {
        const std::size_t needed = end + block_size_ + 1 + number_padding;  // 1: for a newline that the source lacks
        if (block.memory.size() < needed) block.memory.resize(std::max(needed, block.memory.size() * 2));
        if (block.fresh_size == 0) std::copy(carried_.begin(), carried_.end(), block.memory.begin());
        const std::size_t count = read(block.memory.data() + end, block_size_);
        const std::size_t searched = end;
        end += count;
        block.fresh_size += count;
        at_end_ = count < block_size_;
        if (first_newline(block.memory.data(), searched, end) > longest_line) {
            block.line_too_long = at_end_ = true;
            return;
        }
        block.lines_end = behind_last_newline(block.memory.data(), searched, end);
    } while (block.lines_end == 0 && !at_end_);
    if (at_end_ && end > block.lines_end) {
        block.memory[end] = '\n';
        block.lines_end = end + 1;
        block.unfinished = true;
    }
}

// Takes everything off that stands behind the last of most_lines.
void TextBlocks::cut_lines(TextBlock& block) {
    if (lines_left_ == std::numeric_limits<std::uint64_t>::max()) return;
    const char* const data = block.memory.data();
    std::size_t line = 0;
    for (; line < block.lines_end && lines_left_ > 0; --lines_left_)
        line = static_cast<std::size_t>(static_cast<const char*>(std::memchr(data + line, '\n', block.lines_end - line)) + 1 - data);
    if (lines_left_ > 0) return;
    at_end_ = true;
    if (block.unfinished && line == block.lines_end) return;  // the last byte is not the source's
    block.lines_end = line;
    block.fresh_size = line - block.fresh;
    block.unfinished = block.line_too_long = false;
}

// Reads `size` bytes; fewer at the end of the source, on an error, and after stop().
std::size_t TextBlocks::read(char* out, std::size_t size) {
    const std::size_t from_head = std::min(size, head_.size() - head_used_);
    std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(head_used_), from_head, out);
    head_used_ += from_head;
    std::size_t done = from_head;
    while (done < size && !stopped_) {
        const std::size_t count = fd_ >= 0 ? read_descriptor(out + done, size - done) : read_fed(out + done, size - done);
        if (count == 0) break;
        done += count;
    }
    return done;
}

std::size_t TextBlocks::read_descriptor(char* out, std::size_t size) {
    while (!stopped_) {
        if (!ready(fd_)) continue;
        const std::ptrdiff_t count = read_some(fd_, out, size);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno == EINTR || errno == EAGAIN) continue;
        error_ = errno;
        break;
    }
    return 0;
}

std::size_t TextBlocks::read_fed(char* out, std::size_t size) {
    std::unique_lock<std::mutex> lock(feeding_);
    fed_changed_.wait(lock, [&] { return !fed_.empty() || fed_all_ || stopped_; });
    if (fed_.empty()) return 0;
    Piece& piece = fed_.front();
    const std::size_t count = std::min(size, piece.size);
    std::memcpy(out, piece.data, count);
    piece.data += count;
    piece.size -= count;
    if (piece.size == 0) {
        fed_.pop_front();
        fed_changed_.notify_all();
    }
    return count;
}

bool TextBlocks::feed(const char* data, std::size_t size, double seconds) {
    std::unique_lock<std::mutex> lock(feeding_);
    const auto has_room = [&] { return fed_.size() < most_fed || used_up(); };
    if (!fed_changed_.wait_for(lock, std::chrono::duration<double>(seconds), has_room)) return false;
    if (size > 0 && !used_up()) fed_.push_back({data, size});
    fed_changed_.notify_all();
    return true;
}

void TextBlocks::finish_feeding() {
    const std::lock_guard<std::mutex> lock(feeding_);
    fed_all_ = true;
    fed_changed_.notify_all();
}

void TextBlocks::stop() {
    stopped_ = true;
    wake_feeder();
}

void TextBlocks::wake_feeder() {
    const std::lock_guard<std::mutex> lock(feeding_);
    fed_changed_.notify_all();
}

}  // namespace glovestore
