# Writable memory of a caller: numpy's by the buffer protocol, that of others by DLPack.


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
    const uint8_t dlpack_int, dlpack_float, dlpack_bfloat
    bint is_in_memory(const DLDevice& device) noexcept


cdef dict BUFFER_TYPES = {("f", 4): "float32", ("e", 2): "float16", ("d", 8): "float64"}
BUFFER_TYPES.update({(letter, size): f"int{8 * size}" for letter in "ilq" for size in (4, 8)})
cdef dict DLPACK_TYPES = {
    (dlpack_float, 32): "float32", (dlpack_float, 16): "float16", (dlpack_bfloat, 16): "bfloat16",
    (dlpack_float, 64): "float64", (dlpack_int, 32): "int32", (dlpack_int, 64): "int64",
}


cdef class Target:
    cdef Py_buffer buffer
    cdef bint has_buffer
    cdef object capsule     # or this one, of DLPack: either keeps the memory
    cdef char* data
    cdef readonly Py_ssize_t rows, columns
    cdef readonly str dtype

    def __cinit__(self, array):
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array_interface__"):
            self.take_capsule(array.__dlpack__())
        else:
            self.take_buffer(array)

    def __dealloc__(self):
        if self.has_buffer:
            PyBuffer_Release(&self.buffer)

    cdef take_buffer(self, array):
        PyObject_GetBuffer(array, &self.buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
        self.has_buffer = True
        letter = self.buffer.format.decode()
        self.dtype = BUFFER_TYPES.get((letter, self.buffer.itemsize))
        require(self.dtype is not None, f"of a dtype that is not written to, with the format {letter!r}")
        require(self.buffer.ndim == 2, f"expected 2 dimensions, got {self.buffer.ndim}")
        self.data, self.rows, self.columns = <char*> self.buffer.buf, self.buffer.shape[0], self.buffer.shape[1]

    cdef take_capsule(self, capsule):
        cdef DLTensor* tensor = &(<DLManagedTensor*> PyCapsule_GetPointer(capsule, b"dltensor")).dl_tensor
        self.capsule = capsule
        if tensor.dtype.lanes == 1:
            self.dtype = DLPACK_TYPES.get((tensor.dtype.code, tensor.dtype.bits))
        require(self.dtype is not None,
                f"of a dtype that is not written to, with code {tensor.dtype.code} and {tensor.dtype.bits} bits")
        require(is_in_memory(tensor.device), f"expected memory of the CPU, got device {tensor.device.device_type}")
        require(tensor.ndim == 2, f"expected 2 dimensions, got {tensor.ndim}")
        self.rows, self.columns = tensor.shape[0], tensor.shape[1]
        require(is_contiguous(tensor), "expected a C-contiguous array")
        self.data = <char*> tensor.data + tensor.byte_offset


cdef bint is_contiguous(const DLTensor* tensor) noexcept:
    cdef int64_t rows = tensor.shape[0], columns = tensor.shape[1]
    if tensor.strides == NULL or rows * columns <= 1:
        return True
    return (tensor.strides[1] == 1 or columns == 1) and (tensor.strides[0] == columns or rows == 1)
