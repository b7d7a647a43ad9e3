// A gate that threads pass one at a time, in the order of the numbers of their work.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace glovestore {

class InOrder {
public:
    // Waits until all lower numbers have passed; false when the gate was closed.
    bool enter(std::uint64_t number) {
        std::unique_lock<std::mutex> lock(mutex_);
        turned_.wait(lock, [&] { return closed_ || next_ == number; });
        return !closed_;
    }

    void leave() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ++next_;
        }
        turned_.notify_all();
    }

    // Nobody enters any more, and nobody waits.
    void close() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            closed_ = true;
        }
        turned_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable turned_;
    std::uint64_t next_ = 0;
    bool closed_ = false;
};

}  // namespace glovestore
