#include "blocks.hpp"

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

}  // namespace

Blocks::~Blocks() {
    if (fd_ >= 0) close_descriptor(fd_);
}

bool Blocks::next(Block& block) {
    const std::lock_guard<std::mutex> lock(reading_);
    if (at_end_ || stopped_) return false;
    block.number = blocks_;
    block.position = bytes_;
    fill(block);
    if (error_ != 0 || stopped_) return false;
    if (at_end_) wake_feeder();
    bytes_ += block.fresh_size;
    const char* const data = block.memory.data();
    carried_.assign(data + std::min(block.records_end, block.end()), data + block.end());
    if (block.records_end == 0 && block.fault == Outcome::ok) return false;  // the end, and nothing before it
    ++blocks_;
    return true;
}

// Reads until the block has a whole record and block_size bytes, or the source ends.
void Blocks::fill(Block& block) {
    block.fresh = carried_.size();
    block.fresh_size = block.records_end = 0;
    block.is_last = block.unfinished = false;
    block.fault = Outcome::ok;
    std::size_t searched;
    do {
        searched = block.end();
        const std::size_t needed = searched + block_size_ + 1 + number_padding;  // 1: for a newline that the source lacks
        if (block.memory.size() < needed) block.memory.resize(std::max(needed, block.memory.size() * 2));
        if (block.fresh_size == 0) std::copy(carried_.begin(), carried_.end(), block.memory.begin());
        const std::size_t count = read(block.memory.data() + searched, block_size_);
        block.fresh_size += count;
        at_end_ = count < block_size_;
    } while (!records_.cut(block, searched, at_end_) && !at_end_);
    if (block.is_last || block.fault != Outcome::ok) at_end_ = true;
}

// Reads `size` bytes; fewer at the end of the source, on an error, and after stop().
std::size_t Blocks::read(char* out, std::size_t size) {
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

std::size_t Blocks::read_descriptor(char* out, std::size_t size) {
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

std::size_t Blocks::read_fed(char* out, std::size_t size) {
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

bool Blocks::feed(const char* data, std::size_t size, double seconds) {
    std::unique_lock<std::mutex> lock(feeding_);
    const auto has_room = [&] { return fed_.size() < most_fed || used_up(); };
    if (!fed_changed_.wait_for(lock, std::chrono::duration<double>(seconds), has_room)) return false;
    if (size > 0 && !used_up()) fed_.push_back({data, size});
    fed_changed_.notify_all();
    return true;
}

void Blocks::finish_feeding() {
    const std::lock_guard<std::mutex> lock(feeding_);
    fed_all_ = true;
    fed_changed_.notify_all();
}

void Blocks::stop() {
    stopped_ = true;
    wake_feeder();
}

void Blocks::wake_feeder() {
    const std::lock_guard<std::mutex> lock(feeding_);
    fed_changed_.notify_all();
}

}  // namespace glovestore
