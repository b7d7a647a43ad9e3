# Rows of a matrix into memory of the caller: ext/gather.hpp.

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer


cdef extern from "gather.hpp" namespace "glovestore" nogil:
    cdef enum class Scalar(int):
        float32, float16, bfloat16, float64

    size_t first_outside(const int64_t* rows, const int64_t* positions, size_t count, int64_t row_limit,
                         int64_t out_rows) noexcept
    void c_gather "glovestore::gather"(const float* vectors, size_t dim, const int64_t* rows, const int64_t* positions,
                                       size_t count, void* out, Scalar kind, size_t threads) except +


cdef extern from "dlpack.hpp" nogil:
    ctypedef struct DLDevice:
        int device_type
    ctypedef struct DLDataType:
        uint8_t code, bits
        uint16_t lanes
    ctypedef struct DLTensor:
        void* data
        DLDevice device
        int ndim
        DLDataType dtype
        int64_t* shape
        int64_t* strides
        uint64_t byte_offset
    ctypedef struct DLManagedTensor:
        DLTensor dl_tensor


cdef extern from "dlpack.hpp" namespace "glovestore" nogil:
    const uint8_t dlpack_float, dlpack_bfloat
    bint is_in_memory(const DLDevice& device) noexcept


SCALARS = ("float32", "float16", "bfloat16", "float64")
cdef dict BUFFER_FORMATS = {"f": 0, "e": 1, "d": 3}
cdef dict DLPACK_TYPES = {(dlpack_float, 32): 0, (dlpack_float, 16): 1, (dlpack_bfloat, 16): 2, (dlpack_float, 64): 3}


cdef class Target:
    cdef Py_buffer buffer
    cdef bint has_buffer
    cdef object capsule     # or this one, of DLPack: either keeps the memory
    cdef void* data
    cdef Scalar kind
    cdef readonly Py_ssize_t rows, dim

    def __cinit__(self, array):
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array_interface__"):
            self.take_capsule(array.__dlpack__())
        else:
            self.take_buffer(array)

    def __dealloc__(self):
        if self.has_buffer:
            PyBuffer_Release(&self.buffer)

    @property
    def dtype(self):
        return SCALARS[<int> self.kind]

    cdef take_buffer(self, array):
        PyObject_GetBuffer(array, &self.buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
        self.has_buffer = True
        kind = BUFFER_FORMATS.get(self.buffer.format.decode())
        require(kind is not None, f"expected the format of floats in native order, got {self.buffer.format.decode()!r}")
        require(self.buffer.ndim == 2, f"expected 2 dimensions, got {self.buffer.ndim}")
        self.kind = <Scalar> <int> kind
        self.data, self.rows, self.dim = self.buffer.buf, self.buffer.shape[0], self.buffer.shape[1]

    cdef take_capsule(self, capsule):
        cdef DLTensor* tensor = &(<DLManagedTensor*> PyCapsule_GetPointer(capsule, b"dltensor")).dl_tensor
        kind = DLPACK_TYPES.get((tensor.dtype.code, tensor.dtype.bits))
        require(kind is not None and tensor.dtype.lanes == 1, "expected floats of 16, 32 or 64 bits")
        require(is_in_memory(tensor.device), f"expected memory of the CPU, got device {tensor.device.device_type}")
        require(tensor.ndim == 2, f"expected 2 dimensions, got {tensor.ndim}")
        self.kind, self.capsule = <Scalar> <int> kind, capsule
        self.rows, self.dim = tensor.shape[0], tensor.shape[1]
        require(tensor.strides == NULL or self.rows * self.dim <= 1
                or ((tensor.strides[1] == 1 or self.dim == 1) and (tensor.strides[0] == self.dim or self.rows == 1)),
                "expected a C-contiguous array")
        self.data = <char*> tensor.data + tensor.byte_offset


def gather(const float[:, ::1] vectors, const int64_t[::1] rows, out, const int64_t[::1] positions=None,
           size_t threads=1):
    cdef Target target = out if isinstance(out, Target) else Target(out)
    cdef size_t count = rows.shape[0], outside, dim = vectors.shape[1]
    cdef const int64_t* targets = NULL
    cdef const float* begin = NULL
    require(target.dim == vectors.shape[1], "out and vectors differ in dim")
    if positions is not None:
        require(<size_t> positions.shape[0] == count, "positions does not fit rows")
    if count == 0 or dim == 0:
        return
    if positions is not None:
        targets = &positions[0]
    if vectors.shape[0]:
        begin = &vectors[0, 0]
    with nogil:
        outside = first_outside(&rows[0], targets, count, vectors.shape[0], target.rows)
        if outside == count:
            c_gather(begin, dim, &rows[0], targets, count, target.data, target.kind, threads)
    if outside < count:
        place = positions[outside] if positions is not None else outside
        raise IndexError(f"request {outside}: row {rows[outside]} of {vectors.shape[0]}, target {place} of {target.rows}")
