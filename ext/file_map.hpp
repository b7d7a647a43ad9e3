// A file's bytes in memory: mapped, warmed, advised about.
#pragma once

#include <cstddef>

namespace glovestore {

enum class Advice : int { normal, random, sequential, willneed };

// Maps the first `size` > 0 bytes of a file, which may be closed afterwards: any number of maps need no descriptor.
// Read-only and shared; or, `copy_on_write`, writable, and what is written stays in this process. 0, or errno.
int map_file(int fd, std::size_t size, bool copy_on_write, void*& begin) noexcept;

void unmap(void* begin, std::size_t size) noexcept;

// Tells the system how the pages will be asked for. 0, or errno; nothing where the system takes no advice.
int advise(void* begin, std::size_t size, Advice advice) noexcept;

// Brings bytes [from, to) of a map into memory and into this process's page table. 0, or errno: EFAULT where the file
// was truncated, if the system can tell; else the process gets SIGBUS, as for any access.
int prefault(const void* begin, std::size_t from, std::size_t to) noexcept;

}  // namespace glovestore
