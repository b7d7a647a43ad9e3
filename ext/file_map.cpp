#include "file_map.hpp"

#include <cerrno>

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace glovestore {

#if defined(_WIN32)

int map_file(int, std::size_t, bool, void*&) noexcept { return ENOSYS; }
void unmap(void*, std::size_t) noexcept {}
int advise(void*, std::size_t, Advice) noexcept { return 0; }
int prefault(const void*, std::size_t, std::size_t) noexcept { return ENOSYS; }

#else

namespace {

#if defined(MADV_POPULATE_READ)
constexpr int populate_read = MADV_POPULATE_READ;
#elif defined(__linux__)
constexpr int populate_read = 22;  // Linux 5.14; older headers lack the name, older kernels say EINVAL
#else
constexpr int populate_read = -1;
#endif

void touch(const unsigned char* begin, std::size_t size, std::size_t page) noexcept {
    const volatile unsigned char* bytes = begin;
    for (std::size_t i = 0; i < size; i += page) static_cast<void>(bytes[i]);
}

}  // namespace

int map_file(int fd, std::size_t size, bool copy_on_write, void*& begin) noexcept {
    const int protection = copy_on_write ? PROT_READ | PROT_WRITE : PROT_READ;
    begin = ::mmap(nullptr, size, protection, copy_on_write ? MAP_PRIVATE : MAP_SHARED, fd, 0);
    return begin == MAP_FAILED ? errno : 0;
}

void unmap(void* begin, std::size_t size) noexcept { ::munmap(begin, size); }

int advise(void* begin, std::size_t size, Advice advice) noexcept {
    constexpr int advices[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED};
    return ::madvise(begin, size, advices[static_cast<int>(advice)]) ? errno : 0;
}

int prefault(const void* begin, std::size_t from, std::size_t to) noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto* bytes = static_cast<const unsigned char*>(begin);
    from -= from % page;
    if (from >= to) return 0;
    if (populate_read >= 0) {
        void* start = const_cast<unsigned char*>(bytes + from);
        int error;
        do {
            error = ::madvise(start, to - from, populate_read) ? errno : 0;
        } while (error == EINTR || error == EAGAIN);
        if (error != EINVAL) return error;  // EINVAL: an older kernel
    }
    touch(bytes + from, to - from, page);
    return 0;
}

#endif

}  // namespace glovestore
