# A file's bytes in memory, without a descriptor that stays open.

from os import strerror


cdef extern from "file_map.hpp" namespace "glovestore" nogil:
    cdef enum class Advice(int):
        normal, random, sequential, willneed

    int map_file(int fd, size_t size, bint copy_on_write, void*& begin) noexcept
    void unmap(void* begin, size_t size) noexcept
    int c_advise "glovestore::advise"(void* begin, size_t size, Advice advice) noexcept
    int c_prefault "glovestore::prefault"(const void* begin, size_t begin_at, size_t end_at) noexcept


ADVICES = "normal", "random", "sequential", "willneed"


cdef class FileMap:
    # Views hold the object, and with it the map.
    cdef void* data
    cdef Py_ssize_t size
    cdef bint copy_on_write

    def __cinit__(self, int fd, Py_ssize_t size, bint copy_on_write=False):
        cdef void* data = NULL
        cdef int error
        require(size > 0, "expected at least one byte to map")
        with nogil:
            error = map_file(fd, size, copy_on_write, data)
        if error:
            raise OSError(error, strerror(error))
        self.data, self.size, self.copy_on_write = data, size, copy_on_write

    def __dealloc__(self):
        if self.data != NULL:
            unmap(self.data, self.size)

    def __len__(self):
        return self.size

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.data, self.size, not self.copy_on_write, flags)

    def advise(self, str advice not None):
        cdef int error
        cdef int place
        require(advice in ADVICES, f"expected one of {', '.join(map(repr, ADVICES))}, got {advice!r}")
        place = ADVICES.index(advice)
        with nogil:
            error = c_advise(self.data, self.size, <Advice> place)
        if error:
            raise OSError(error, strerror(error))

    def prefault(self, Py_ssize_t begin, Py_ssize_t end):
        cdef int error
        require(0 <= begin <= end <= self.size, "expected a part of the map")
        with nogil:
            error = c_prefault(self.data, begin, end)
        if error:
            raise OSError(error, strerror(error))
