# Rows of a matrix into memory of the caller: ext/gather.hpp.

cdef extern from "gather.hpp" namespace "glovestore" nogil:
    cdef enum class Scalar(int):
        float32, float16, bfloat16, float64

    size_t first_outside(const int64_t* rows, const int64_t* positions, size_t count, int64_t row_limit,
                         int64_t out_rows) noexcept
    void c_gather "glovestore::gather"(const CStoredVectors& source, DecodeRows decode, const int64_t* rows,
                                       const int64_t* positions, size_t count, void* out, Scalar kind,
                                       size_t threads) except +


SCALARS = ("float32", "float16", "bfloat16", "float64")  # in the order of Scalar


def gather(vectors, const int64_t[::1] rows, out, const int64_t[::1] positions=None, size_t threads=1,
           str tier=SIMD_TIERS[0]):
    cdef const Kernels* kernels = kernels_named(tier)
    cdef StoredVectors source = stored(vectors)
    cdef Target target = out if isinstance(out, Target) else Target(out)
    cdef size_t count = rows.shape[0], outside
    cdef const int64_t* targets = NULL
    cdef Scalar kind
    require(target.dtype in SCALARS, f"expected floats, got {target.dtype}")
    require(<size_t> target.columns == source.view.dim, "out and vectors differ in dim")
    kind = <Scalar> <int> SCALARS.index(target.dtype)
    if positions is not None:
        require(<size_t> positions.shape[0] == count, "positions does not fit rows")
    if count == 0 or source.view.dim == 0:
        return
    if positions is not None:
        targets = &positions[0]
    with nogil:
        outside = first_outside(&rows[0], targets, count, source.view.rows, target.rows)
        if outside == count:
            c_gather(source.view, kernels.decode_rows, &rows[0], targets, count, target.data, kind, threads)
    if outside < count:
        place = positions[outside] if positions is not None else outside
        raise IndexError(f"request {outside}: row {rows[outside]} of {source.view.rows}, target {place} of {target.rows}")
