// Work cut into parts for several threads, which are gone when it is done.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace glovestore {

// Where part `part` of [0, count) begins, if it is cut into `parts` of one length, or of two that differ by one.
inline std::size_t part_edge(std::size_t count, std::size_t parts, std::size_t part) noexcept {
    return count / parts * part + std::min(part, count % parts);
}

// Calls work(begin, end) for parts of [0, count), on at most `threads` threads, the caller's among them, each part at
// least `least` long. What a part throws is thrown when all are done. Where a thread cannot be started, the caller does
// its part.
template <class Work>
void in_parallel(std::size_t count, std::size_t threads, std::size_t least, const Work& work) {
    const std::size_t parts = std::max<std::size_t>(1, std::min(threads, count / least));
    std::vector<std::exception_ptr> problems(parts);
    const auto guarded = [&](std::size_t part, std::size_t end) {
        try {
            work(part_edge(count, parts, part), part_edge(count, parts, end));
        } catch (...) {
            problems[part] = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    others.reserve(parts - 1);
    std::size_t part = 1;
    try {
        for (; part < parts; ++part) others.emplace_back(guarded, part, part + 1);
    } catch (const std::exception&) {  // no more threads, or no memory for one
    }
    guarded(0, 1);
    if (part < parts) guarded(part, parts);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& problem : problems)
        if (problem) std::rethrow_exception(problem);
}

}  // namespace glovestore
