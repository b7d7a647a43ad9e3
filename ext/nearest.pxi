cdef extern from "nearest.hpp" namespace "glovestore" nogil:
    cdef struct Candidates:
        CStoredVectors vectors
        const float* norms
        const int64_t* rows
        size_t count

    cdef cppclass Queries:
        Queries(const float* vectors, const int64_t* left_out, size_t count, size_t dim) except +

    void c_find_nearest "glovestore::find_nearest"(
        ScoreRows score, DecodeRows decode, const Candidates& candidates, const Queries& queries, size_t k, size_t threads,
        int64_t* rows, float* cosines, int64_t* counts) except +


def find_nearest(vectors, const float[::1] norms, const float[:, ::1] queries,
                 const int64_t[::1] left_out, const int64_t[::1] rows, int64_t[:, ::1] out, float[:, ::1] cosines,
                 int64_t[::1] counts, size_t threads=1, str tier=SIMD_TIERS[0]):
    cdef Candidates candidates
    cdef const Kernels* kernels = kernels_named(tier)
    cdef StoredVectors source = stored(vectors)
    cdef size_t i, n = source.view.rows, dim = source.view.dim, count = queries.shape[0], k = out.shape[1]
    cdef Queries* prepared
    require(<size_t> norms.shape[0] == n, "norms does not fit vectors")
    require(<size_t> queries.shape[1] == dim, "queries and vectors differ in dim")
    require(left_out.shape[0] == queries.shape[0] == counts.shape[0], "left_out or counts does not fit queries")
    require(out.shape[0] == queries.shape[0] == cosines.shape[0] and out.shape[1] == cosines.shape[1],
            "out or cosines does not fit queries")
    require(0 < threads <= 1024 and dim > 0, "expected threads and a dim")
    counts[:] = 0
    candidates.count = n
    candidates.rows = NULL
    if rows is not None:
        candidates.count = rows.shape[0]
        for i in range(candidates.count):
            if not 0 <= rows[i] < <int64_t> n:
                raise IndexError(f"expected rows from 0 to {<int64_t> n - 1}, got {rows[i]} at position {i}")
    if count == 0 or k == 0 or candidates.count == 0:
        return
    if rows is not None:
        candidates.rows = &rows[0]
    candidates.vectors, candidates.norms = source.view, &norms[0]
    with nogil:
        prepared = new Queries(&queries[0, 0], &left_out[0], count, dim)
        try:
            c_find_nearest(kernels.score_rows, kernels.decode_rows, candidates, prepared[0], k, threads, &out[0, 0],
                           &cosines[0, 0], &counts[0])
        finally:
            del prepared
