cdef extern from "nearest.hpp" namespace "glovestore" nogil:
    cdef struct Candidates:
        const float* vectors
        const float* norms
        const int64_t* rows
        size_t count, dim

    cdef cppclass Queries:
        Queries(const float* vectors, const int64_t* left_out, size_t count, size_t dim) except +

    void c_find_nearest "glovestore::find_nearest"(
        ScoreRows score, const Candidates& candidates, const Queries& queries, size_t k, size_t threads, int64_t* rows,
        float* cosines, int64_t* counts) except +


def find_nearest(const float[:, ::1] vectors, const float[::1] norms, const float[:, ::1] queries,
                 const int64_t[::1] left_out, const int64_t[::1] rows, int64_t[:, ::1] out, float[:, ::1] cosines,
                 int64_t[::1] counts, size_t threads=1, str tier=SIMD_TIERS[0]):
    cdef Candidates candidates
    cdef const Kernels* kernels = kernels_named(tier)
    cdef size_t i, n = vectors.shape[0], count = queries.shape[0], k = out.shape[1]
    cdef Queries* prepared
    require(norms.shape[0] == vectors.shape[0], "norms does not fit vectors")
    require(queries.shape[1] == vectors.shape[1], "queries and vectors differ in dim")
    require(left_out.shape[0] == queries.shape[0] == counts.shape[0], "left_out or counts does not fit queries")
    require(out.shape[0] == queries.shape[0] == cosines.shape[0] and out.shape[1] == cosines.shape[1],
            "out or cosines does not fit queries")
    require(0 < threads <= 1024 and vectors.shape[1] > 0, "expected threads and a dim")
    counts[:] = 0
    candidates.dim, candidates.count = vectors.shape[1], n
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
    candidates.vectors, candidates.norms = &vectors[0, 0], &norms[0]
    with nogil:
        prepared = new Queries(&queries[0, 0], &left_out[0], count, candidates.dim)
        try:
            c_find_nearest(kernels.score_rows, candidates, prepared[0], k, threads, &out[0, 0], &cosines[0, 0],
                           &counts[0])
        finally:
            del prepared
