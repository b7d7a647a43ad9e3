# Strings that Python hands over, in whatever they are kept: the views of ext/strings.hpp and ext/arrow.hpp.

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libcpp.memory cimport unique_ptr
from libcpp.utility cimport move


cdef extern from "strings.hpp" namespace "glovestore" nogil:
    cdef cppclass TokenView:
        const unsigned char* bytes
        size_t size

    cdef cppclass Scratch:
        pass

    cdef cppclass CStrings "glovestore::Strings":
        size_t size() noexcept
        void read(size_t first, size_t count, TokenView* views, Scratch& scratch) except +

    ctypedef unique_ptr[CStrings] StringsPointer "glovestore::StringsPointer"

    StringsPointer fixed_bytes(const unsigned char* data, size_t count, size_t width) except +
    StringsPointer fixed_code_points(const uint32_t* data, size_t count, size_t width, bint escaped) except +
    StringsPointer packed_strings(const unsigned char* bytes, size_t size, const uint64_t* offsets, size_t count) except +
    cdef cppclass CopiedStrings(CStrings):
        CopiedStrings() except +
        void reserve(size_t count) except +
        void add(const void* bytes, size_t size) except +
        void add_none() except +

    cdef cppclass Survey:
        size_t first_none
        vector[size_t] first_equal

    Survey c_survey "glovestore::survey"(const CStrings& strings, const vector[TokenView]& wanted,
                                               size_t threads) except +


cdef extern from *:
    """
    #include "strings.hpp"

    namespace {

    // The objects of a list or tuple that does not change meanwhile; what is neither str nor bytes is none. Fields of
    // theirs are read without the GIL: they are written once, when an object is made.
    class ObjectStrings : public glovestore::Strings {
    public:
        ObjectStrings() = default;  // Cython assigns
        ObjectStrings(PyObject** objects, std::size_t count, bool escaped)
            : objects_(objects), count_(count), escaped_(escaped) {}
        std::size_t size() const noexcept override { return count_; }
        void read(std::size_t first, std::size_t count, glovestore::TokenView* views,
                  glovestore::Scratch& scratch) const override {
            scratch.clear();
            for (std::size_t i = first; i < first + count; ++i) {  // they stand all over memory
                if (i + ahead < count_) __builtin_prefetch(objects_[i + ahead]);
                views[i - first] = view(objects_[i], scratch);
            }
        }

    private:
        static constexpr std::size_t ahead = 16;

        glovestore::TokenView view(PyObject* object, glovestore::Scratch& scratch) const {
            if (PyUnicode_Check(object)) {
    #if PY_VERSION_HEX < 0x030C0000
                if (!PyUnicode_IS_READY(object)) return {nullptr, 0};  // of an interface long deprecated
    #endif
                const void* points = PyUnicode_DATA(object);
                const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(object));
                if (PyUnicode_IS_ASCII(object)) return {static_cast<const unsigned char*>(points), length};
                return glovestore::encoded(points, static_cast<int>(PyUnicode_KIND(object)), length, escaped_, scratch);
            }
            if (!PyBytes_Check(object)) return {nullptr, 0};
            const auto* bytes = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(object));
            return {bytes, static_cast<std::size_t>(PyBytes_GET_SIZE(object))};
        }

        PyObject** objects_ = nullptr;
        std::size_t count_ = 0;
        bool escaped_ = true;
    };

    }  // namespace
    """
    cdef cppclass ObjectStrings(CStrings):
        ObjectStrings()
        ObjectStrings(PyObject** objects, size_t count, bint escaped)
    PyObject** PySequence_Fast_ITEMS(object sequence) noexcept
    Py_ssize_t PySequence_Fast_GET_SIZE(object sequence) noexcept


cdef extern from *:
    """
    /* numpy's functions for StringDType (NEP 55), from the table that all of its C API is called through; an extension
       that is compiled with numpy's headers would ask for numpy 2. Their places in it, and these types, are numpy's ABI. */
    typedef struct { size_t size; const char* bytes; } NumpyText;
    typedef int (*NumpyLoad)(void* allocator, const void* packed, NumpyText* text);
    typedef void* (*NumpyAcquire)(PyObject* dtype);
    typedef void (*NumpyRelease)(void* allocator);
    #define NUMPY_LOAD(table) ((NumpyLoad)(table)[313])
    #define NUMPY_ACQUIRE(table) ((NumpyAcquire)(table)[316])
    #define NUMPY_RELEASE(table) ((NumpyRelease)(table)[318])
    """
    ctypedef struct NumpyText:
        size_t size
        const char* bytes
    ctypedef int (*NumpyLoad)(void* allocator, const void* packed, NumpyText* text) noexcept
    ctypedef void* (*NumpyAcquire)(PyObject* dtype) noexcept
    ctypedef void (*NumpyRelease)(void* allocator) noexcept
    NumpyLoad NUMPY_LOAD(void** table)
    NumpyAcquire NUMPY_ACQUIRE(void** table)
    NumpyRelease NUMPY_RELEASE(void** table)


cdef extern from "arrow.hpp" nogil:
    ctypedef struct ArrowSchema:
        pass
    ctypedef struct ArrowArray:
        void (*release)(ArrowArray*)
    ctypedef struct ArrowArrayStream:
        void (*release)(ArrowArrayStream*)


cdef extern from "arrow.hpp" namespace "glovestore" nogil:
    cdef cppclass ArrowStrings:
        StringsPointer strings
        string problem
        bint is_broken

    ArrowStrings arrow_array_strings "glovestore::arrow_strings"(const ArrowSchema& schema, ArrowArray& array) except +
    ArrowStrings arrow_stream_strings "glovestore::arrow_strings"(ArrowArrayStream& stream) except +


cdef class Strings:
    cdef StringsPointer held
    cdef tuple objects      # what the bytes belong to, none of which changes while this object lives: str and bytes,
    cdef object source      # or buffers, or neither, for Arrow's arrays belong to the held ones
    cdef object texts       # or None; what the strings are to people, where their bytes cannot tell
    cdef bint escaped

    def __len__(self):
        return self.held.get().size()

    def __getitem__(self, Py_ssize_t position):
        cdef Scratch scratch
        cdef TokenView view
        if not 0 <= position < len(self):
            raise IndexError(f"expected a position below {len(self)}, got {position}")
        if self.objects is not None:
            return self.objects[position]
        if self.texts is not None:
            return str(self.texts[position])
        self.held.get().read(position, 1, &view, scratch)
        if view.bytes == NULL:
            return None
        return view.bytes[:view.size].decode("utf-8", "surrogateescape" if self.escaped else "surrogatepass")

    def __iter__(self):
        return map(self.__getitem__, range(len(self)))

    def survey(self, tuple wanted=(), size_t threads=1):
        cdef vector[TokenView] views
        cdef TokenView view
        cdef Survey found
        cdef size_t i, count = len(self)
        for raw in wanted:
            view.bytes, view.size = <const unsigned char*> PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw)
            views.push_back(view)
        with nogil:
            found = c_survey(self.held.get()[0], views, threads)
        positions = [None if position == count else position for position in found.first_equal]
        if self.objects is not None:
            for i in range(found.first_none, count):
                if not isinstance(self.objects[i], (str, bytes)):
                    return i, positions
        return None, positions

    @staticmethod
    def of_objects(objects, *, bint escaped=True):
        cdef Strings strings = Strings.__new__(Strings)
        strings.objects, strings.escaped = tuple(objects), escaped
        strings.held.reset(new ObjectStrings(PySequence_Fast_ITEMS(strings.objects), len(strings.objects), escaped))
        return strings

    @staticmethod
    def of_fixed_bytes(const uint8_t[::1] data, size_t width):
        cdef Strings strings = Strings.__new__(Strings)
        require(width > 0 and data.shape[0] % width == 0, "data is no whole number of strings")
        strings.source, strings.escaped = data, True
        strings.held = fixed_bytes(<const unsigned char*> start(data), data.shape[0] // width, width)
        return strings

    @staticmethod
    def of_fixed_code_points(const uint32_t[::1] data, size_t width, *, bint escaped=True, texts=None):
        cdef Strings strings = Strings.__new__(Strings)
        require(width > 0 and data.shape[0] % width == 0, "data is no whole number of strings")
        strings.source, strings.escaped, strings.texts = data, escaped, texts
        strings.held = fixed_code_points(&data[0] if data.shape[0] else NULL, data.shape[0] // width, width, escaped)
        return strings

    @staticmethod
    def of_string_dtype(array):
        cdef void** table = <void**> PyCapsule_GetPointer(numpy_api(), NULL)
        cdef const char* packed = <const char*> <size_t> array.__array_interface__["data"][0]
        cdef Py_ssize_t i, count = len(array), size = array.itemsize
        cdef Strings strings = Strings.__new__(Strings)
        cdef CopiedStrings* copied = new CopiedStrings()
        cdef NumpyText text
        cdef int found = 0
        dtype = array.dtype
        strings.escaped = True
        strings.held.reset(copied)
        copied.reserve(count)
        cdef void* allocator = NUMPY_ACQUIRE(table)(<PyObject*> dtype)
        try:
            for i in range(count):
                found = NUMPY_LOAD(table)(allocator, packed + i * size, &text)
                if found < 0:
                    break
                if found == 1:  # the null of this dtype
                    copied.add_none()
                else:
                    copied.add(text.bytes, text.size)
        finally:
            NUMPY_RELEASE(table)(allocator)
        if found < 0:
            raise MemoryError(f"numpy: string {i} cannot be read")
        return strings

    @staticmethod
    def of_packed(const uint8_t[::1] data, const uint64_t[::1] offsets, *, bint escaped=True):
        cdef Strings strings = Strings.__new__(Strings)
        require(offsets.shape[0] > 0, "offsets is empty")
        strings.source, strings.escaped = (data, offsets), escaped
        strings.held = packed_strings(<const unsigned char*> start(data), data.shape[0], &offsets[0],
                                      offsets.shape[0] - 1)
        return strings

    @staticmethod
    def of_arrow_array(schema, array):
        cdef const ArrowSchema* schema_struct = <const ArrowSchema*> PyCapsule_GetPointer(schema, b"arrow_schema")
        cdef ArrowArray* array_struct = <ArrowArray*> PyCapsule_GetPointer(array, b"arrow_array")
        cdef ArrowStrings found
        require(array_struct.release != NULL, "the Arrow array was released")
        found = move(arrow_array_strings(schema_struct[0], array_struct[0]))
        return of_arrow(found)

    @staticmethod
    def of_arrow_stream(stream):
        cdef ArrowArrayStream* struct = <ArrowArrayStream*> PyCapsule_GetPointer(stream, b"arrow_array_stream")
        cdef ArrowStrings found
        require(struct.release != NULL, "the Arrow stream was released")
        with nogil:  # a producer may wait for threads of its own that want the GIL
            found = move(arrow_stream_strings(struct[0]))
        return of_arrow(found)


cdef numpy_api():
    from numpy._core._multiarray_umath import _ARRAY_API
    return _ARRAY_API


cdef Strings of_arrow(ArrowStrings& found):
    cdef Strings strings
    if not found.problem.empty():
        problem = found.problem.decode("utf-8", "replace")
        raise OSError(problem) if found.is_broken else TypeError(problem)
    strings = Strings.__new__(Strings)
    strings.held, strings.escaped = move(found.strings), True
    return strings


cdef int require_strings(objects, const int64_t[::1] rows) except -1:
    # What is no string was not found.
    cdef Py_ssize_t i
    for i in range(rows.shape[0]):
        if rows[i] < 0 and not isinstance(objects[i], (str, bytes)):
            raise TypeError(f"expected a token (str or bytes) at position {i}, got {type(objects[i]).__name__}")
    return 0
