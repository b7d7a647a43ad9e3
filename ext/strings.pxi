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
    size_t first_equal(const CStrings& strings, const unsigned char* bytes, size_t size) except +


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

    ArrowStrings arrow_array_strings "glovestore::arrow_strings"(const ArrowSchema& schema, ArrowArray& array) except +
    ArrowStrings arrow_stream_strings "glovestore::arrow_strings"(ArrowArrayStream& stream) except +


cdef class Strings:
    cdef StringsPointer held
    cdef object source      # what the bytes belong to: none of it changes while this object lives
    cdef object offsets     # of packed strings, likewise
    cdef bint escaped

    def __len__(self):
        return self.held.get().size()

    cdef TokenView view(self, Py_ssize_t position, Scratch& scratch) except *:
        cdef TokenView view
        require(0 <= position < len(self), f"expected a position below {len(self)}, got {position}")
        self.held.get().read(position, 1, &view, scratch)
        return view

    def raw(self, Py_ssize_t position):
        cdef Scratch scratch
        cdef TokenView view = self.view(position, scratch)
        return None if view.bytes == NULL else view.bytes[:view.size]

    def __getitem__(self, Py_ssize_t position):
        if type(self.source) is tuple:
            return self.source[position]
        raw = self.raw(position)
        return None if raw is None else raw.decode("utf-8", "surrogateescape" if self.escaped else "surrogatepass")

    def position_of(self, const uint8_t[::1] raw):
        cdef const unsigned char* bytes = <const unsigned char*> start(raw)
        cdef size_t size = raw.shape[0], position
        with nogil:
            position = first_equal(self.held.get()[0], bytes, size)
        return None if position == self.held.get().size() else position

    @staticmethod
    def of_objects(objects, *, bint escaped=True):
        cdef Strings strings = Strings.__new__(Strings)
        cdef tuple owned = tuple(objects)
        strings.held.reset(new ObjectStrings(PySequence_Fast_ITEMS(owned), len(owned), escaped))
        strings.source, strings.escaped = owned, escaped
        return strings

    @staticmethod
    def of_fixed_bytes(const uint8_t[::1] data, size_t width):
        cdef Strings strings = Strings.__new__(Strings)
        require(width > 0 and data.shape[0] % width == 0, "data is no whole number of strings")
        strings.source, strings.escaped = data, True
        strings.held = fixed_bytes(<const unsigned char*> start(data), data.shape[0] // width, width)
        return strings

    @staticmethod
    def of_fixed_code_points(const uint32_t[::1] data, size_t width, *, bint escaped=True):
        cdef Strings strings = Strings.__new__(Strings)
        require(width > 0 and data.shape[0] % width == 0, "data is no whole number of strings")
        strings.source, strings.escaped = data, escaped
        strings.held = fixed_code_points(&data[0] if data.shape[0] else NULL, data.shape[0] // width, width, escaped)
        return strings

    @staticmethod
    def of_packed(const uint8_t[::1] data, const uint64_t[::1] offsets, *, bint escaped=True):
        cdef Strings strings = Strings.__new__(Strings)
        require(offsets.shape[0] > 0, "offsets is empty")
        strings.source, strings.offsets, strings.escaped = data, offsets, escaped
        strings.held = packed_strings(<const unsigned char*> start(data), data.shape[0], &offsets[0],
                                      offsets.shape[0] - 1)
        return strings

    @staticmethod
    def of_arrow_array(schema, array):
        cdef const ArrowSchema* schema_struct = <const ArrowSchema*> PyCapsule_GetPointer(schema, b"arrow_schema")
        cdef ArrowArray* array_struct = <ArrowArray*> PyCapsule_GetPointer(array, b"arrow_array")
        require(array_struct.release != NULL, "the Arrow array was released")
        return of_arrow(arrow_array_strings(schema_struct[0], array_struct[0]))

    @staticmethod
    def of_arrow_stream(stream):
        cdef ArrowArrayStream* struct = <ArrowArrayStream*> PyCapsule_GetPointer(stream, b"arrow_array_stream")
        require(struct.release != NULL, "the Arrow stream was released")
        return of_arrow(arrow_stream_strings(struct[0]))


cdef Strings of_arrow(ArrowStrings found):
    cdef Strings strings
    if not found.problem.empty():
        raise TypeError(found.problem.decode("utf-8", "replace"))
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
