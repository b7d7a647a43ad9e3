# Vectors as a store keeps them: ext/stored.hpp.

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer


STORED_DTYPES = ("float32", "float16", "int8")  # in the order of Stored
cdef dict STORED_TYPES = {("f", 4): Stored.float32, ("e", 2): Stored.float16, ("b", 1): Stored.int8}


cdef Stored stored_dtype(str name) except *:
    require(name in STORED_DTYPES, f"expected one of {', '.join(STORED_DTYPES)}, got {name}")
    return <Stored> <int> STORED_DTYPES.index(name)


cdef class StoredVectors:
    cdef Py_buffer buffer
    cdef bint has_buffer
    cdef const float[::1] scales  # keeps their memory
    cdef CStoredVectors view

    def __cinit__(self, vectors, const float[::1] scales=None):
        PyObject_GetBuffer(vectors, &self.buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
        self.has_buffer = True
        kind = (self.buffer.format.decode(), self.buffer.itemsize)
        require(kind in STORED_TYPES, f"expected vectors of {', '.join(STORED_DTYPES)}, got the format {kind[0]!r}")
        require(self.buffer.ndim == 2, f"expected vectors of 2 dimensions, got {self.buffer.ndim}")
        self.view.dtype = <Stored> <int> STORED_TYPES[kind]
        self.view.data = <const uint8_t*> self.buffer.buf
        self.view.rows, self.view.dim = self.buffer.shape[0], self.buffer.shape[1]
        require((scales is not None) == (self.view.dtype == Stored.int8), "expected scales for int8, and only for it")
        if scales is not None:
            require(scales.shape[0] == self.buffer.shape[0], "scales does not fit vectors")
            self.scales = scales
            if self.view.rows:
                self.view.scales = &scales[0]

    def __dealloc__(self):
        if self.has_buffer:
            PyBuffer_Release(&self.buffer)

    @property
    def shape(self):
        return self.view.rows, self.view.dim

    def decode_row(self, size_t row, out):
        # For one row at a time: a typed view of `out` would take longer than all the rest.
        cdef Py_buffer target
        if row >= self.view.rows:
            raise IndexError(f"expected a row below {self.view.rows}, got {row}")
        PyObject_GetBuffer(out, &target, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
        try:
            require(target.len == <Py_ssize_t> (self.view.dim * sizeof(float)), "out and vectors differ in dim")
            kernels_at(0).decode_rows(self.view, row, 1, <float*> target.buf)
        finally:
            PyBuffer_Release(&target)

    def decode(self, size_t first, float[:, ::1] out, str tier=SIMD_TIERS[0]):
        cdef const Kernels* kernels = kernels_named(tier)
        cdef size_t count = out.shape[0]
        require(<size_t> out.shape[1] == self.view.dim, "out and vectors differ in dim")
        if first > self.view.rows or count > self.view.rows - first:
            raise IndexError(f"expected rows below {self.view.rows}, got {first} to {first + count}")
        if count and self.view.dim:
            with nogil:
                kernels.decode_rows(self.view, first, count, &out[0, 0])


cdef StoredVectors stored(vectors):
    return vectors if isinstance(vectors, StoredVectors) else StoredVectors(vectors)


def encode_rows(const float[:, ::1] vectors, uint8_t[:, ::1] out, float[::1] scales=None, str tier=SIMD_TIERS[0]):
    cdef const Kernels* kernels = kernels_named(tier)
    cdef size_t rows = vectors.shape[0], dim = vectors.shape[1]
    cdef float* begin = NULL
    cdef Stored dtype = Stored.float16 if scales is None else Stored.int8
    require(<size_t> out.shape[0] == rows and <size_t> out.shape[1] == dim * size_of(dtype), "out does not fit vectors")
    if rows == 0 or dim == 0:
        return
    if scales is not None:
        require(<size_t> scales.shape[0] == rows, "scales does not fit vectors")
        begin = &scales[0]
    with nogil:
        kernels.encode_rows(&vectors[0, 0], rows, dim, dtype, &out[0, 0], begin)
