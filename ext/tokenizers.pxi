# Texts to tokens: the lower case of the running Python, and the tokenizers of the core.

from cpython.unicode cimport PyUnicode_KIND
from libc.stdint cimport int32_t


cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char* bytes, Py_ssize_t size, const char* errors)


cdef extern from "utf8.hpp" namespace "glovestore" nogil:
    size_t most_utf8_bytes(int width) noexcept
    size_t encode_utf8(const void* code_units, int width, size_t length, unsigned char* out) noexcept
    size_t c_valid_utf8 "glovestore::valid_utf8"(const unsigned char* text, size_t size) noexcept


cdef extern from "lower_case.hpp" namespace "glovestore" nogil:
    const size_t lower_case_pages

    cdef struct CLowerCase "glovestore::LowerCase":
        const uint16_t* pages
        const int32_t* entries


cdef extern from "tokenizers.hpp" namespace "glovestore" nogil:
    cdef enum class CTokenizer "glovestore::Tokenizer"(int):
        keras, whitespace, glove

    cdef cppclass TextSplitter:
        TextSplitter(CTokenizer kind, const CLowerCase& lower) except +
        const vector[TokenView]& split(const unsigned char* text, size_t size) except +


TOKENIZERS = ("keras", "whitespace", "glove")


cdef CTokenizer tokenizer_named(str name) except *:
    if name not in TOKENIZERS:
        raise ValueError(f"expected one of {', '.join(TOKENIZERS)}, got {name!r}")
    return <CTokenizer> <int> TOKENIZERS.index(name)


cdef class LowerCase:
    # Filled by `make` when first needed: for the first plane, which has all but the emoji of most texts, or for all. What
    # a thread has been given is never changed or freed.
    cdef object make
    cdef list buffers
    cdef CLowerCase first_plane, all_planes

    def __cinit__(self, make):
        self.make, self.buffers = make, []

    cdef CLowerCase table(self, int width) except *:
        """Return the table for texts whose code points have at most so many bytes, as CPython stores a str: 1, 2 or 4.
        For 0 there is none, which is enough for ASCII.
        """
        cdef CLowerCase none  # C++ gives it no pages
        if width == 0:
            return none
        with cython.critical_section(self):
            if width < 4 and self.all_planes.pages == NULL:
                if self.first_plane.pages == NULL:
                    self.first_plane = self.made(1)
                return self.first_plane
            if self.all_planes.pages == NULL:
                self.all_planes = self.made(17)
            return self.all_planes

    cdef CLowerCase made(self, int planes) except *:
        cdef const uint16_t[::1] pages
        cdef const int32_t[:, ::1] entries
        cdef CLowerCase table
        cdef size_t page
        pages, entries = self.make(planes)
        require(<size_t> pages.shape[0] == lower_case_pages and entries.shape[1] == 256,
                "the lower case is not of all pages, or not of 256 entries each")
        for page in range(lower_case_pages):
            require(pages[page] < entries.shape[0], "a page of the lower case is out of range")
        self.buffers.append((pages, entries))
        table.pages, table.entries = &pages[0], &entries[0, 0]
        return table


def valid_utf8(const uint8_t[::1] text):
    cdef const unsigned char* begin = <const unsigned char*> start(text)
    cdef size_t size = text.shape[0]
    with nogil:
        size = c_valid_utf8(begin, size)
    return size


def split_text(text, str tokenizer not None, LowerCase lower_case not None):
    if not isinstance(text, str):  # a declared type would refuse subclasses
        raise TypeError(f"expected a text (str), got {type(text).__name__}")
    cdef CTokenizer kind = tokenizer_named(tokenizer)
    cdef size_t i, size, length = PyUnicode_GET_LENGTH(text)
    cdef int width = PyUnicode_KIND(text)
    cdef const void* units = PyUnicode_DATA(text)
    cdef bint is_ascii = PyUnicode_IS_ASCII(text)
    cdef const unsigned char* utf8 = <const unsigned char*> units
    cdef Buffer[uint8_t] encoded
    cdef bint is_lowered = not is_ascii and kind != CTokenizer.whitespace
    cdef TextSplitter* splitter = new TextSplitter(kind, lower_case.table(width if is_lowered else 0))
    cdef const vector[TokenView]* tokens
    try:
        with nogil:
            size = length
            if not is_ascii:
                encoded.require(length * most_utf8_bytes(width))
                size = encode_utf8(units, width, length, encoded.data())
                utf8 = encoded.data()
            tokens = &splitter.split(utf8, size)
        return [PyUnicode_DecodeUTF8(<const char*> tokens[0][i].bytes, tokens[0][i].size, "surrogatepass")
                for i in range(tokens.size())]
    finally:
        del splitter
