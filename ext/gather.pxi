# Rows of a matrix into memory of the caller: ext/gather.hpp.

cdef extern from "gather.hpp" namespace "glovestore" nogil:
    cdef enum class Scalar(int):
        float32, float16, bfloat16, float64

    size_t first_outside(const int64_t* rows, const int64_t* positions, size_t count, int64_t row_limit,
                         int64_t out_rows) noexcept
    void c_gather "glovestore::gather"(const float* vectors, size_t dim, const int64_t* rows, const int64_t* positions,
                                       size_t count, void* out, Scalar kind, size_t threads) except +


SCALARS = ("float32", "float16", "bfloat16", "float64")  # in the order of Scalar


def gather(const float[:, ::1] vectors, const int64_t[::1] rows, out, const int64_t[::1] positions=None,
           size_t threads=1):
    cdef Target target = out if isinstance(out, Target) else Target(out)
    cdef size_t count = rows.shape[0], outside, dim = vectors.shape[1]
    cdef const int64_t* targets = NULL
    cdef const float* begin = NULL
    cdef Scalar kind
    require(target.dtype in SCALARS, f"expected floats, got {target.dtype}")
    require(target.columns == vectors.shape[1], "out and vectors differ in dim")
    kind = <Scalar> <int> SCALARS.index(target.dtype)
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
            c_gather(begin, dim, &rows[0], targets, count, target.data, kind, threads)
    if outside < count:
        place = positions[outside] if positions is not None else outside
        raise IndexError(f"request {outside}: row {rows[outside]} of {vectors.shape[0]}, target {place} of {target.rows}")
