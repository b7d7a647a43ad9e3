# Vectors of tokens by their character n-grams, and what fastText's files are made of: ext/subwords.hpp, ext/fasttext.hpp.

cdef extern from "subwords.hpp" namespace "glovestore" nogil:
    const uint32_t most_ngram

    cdef struct SubwordTable:
        const float* vectors
        const uint64_t* buckets
        uint64_t rows
        size_t dim
        uint32_t bucket_count, minn, maxn

    cdef enum class Own(int):
        none, given, given_of_2016

    void c_mean_vectors "glovestore::mean_vectors"(const SubwordTable& table, const CStrings& tokens, Own own,
                                                   float* out, size_t threads) except +


cdef extern from "fasttext.hpp" namespace "glovestore" nogil:
    const size_t shortest_entry, centroids_a_part

    cdef struct Entries:
        size_t count, consumed, token_bytes
        bint token_too_long

    cdef struct Quantiser:
        const float* centroids
        size_t dim, part_dim

    Entries c_read_entries "glovestore::read_entries"(const unsigned char* data, size_t size, size_t most,
                                                      unsigned char* token_bytes, uint16_t* token_lengths,
                                                      unsigned char* types) noexcept
    size_t parts_of(size_t dim, size_t part_dim) noexcept
    void c_dequantise "glovestore::dequantise"(const Quantiser& quantiser, const unsigned char* codes,
                                               const float* norms, size_t count, float* out, size_t threads) except +


MOST_NGRAM = most_ngram
MOST_BUCKETS = 2**31 - 1
OWN_ROWS = ("none", "given", "given of 2016")  # in the order of Own


cdef class SubwordRows:
    # The views keep the memory, and with it a map, alive for as long as this object lives.
    cdef const float[:, ::1] vectors
    cdef const uint64_t[::1] buckets
    cdef SubwordTable table

    def __cinit__(self, const float[:, ::1] vectors, uint32_t bucket_count, uint32_t minn, uint32_t maxn,
                  const uint64_t[::1] buckets=None):
        require(vectors.shape[0] > 0 and vectors.shape[1] > 0, "vectors is empty")
        require(1 <= bucket_count <= MOST_BUCKETS and vectors.shape[0] <= bucket_count, "bucket_count is out of range")
        require(1 <= minn <= maxn <= most_ngram, "minn or maxn is out of range")
        require(vectors.shape[0] == (bucket_count if buckets is None else buckets.shape[0]),
                "vectors has no row for each bucket")
        self.vectors, self.buckets = vectors, buckets
        self.table.vectors = &vectors[0, 0]
        self.table.buckets = NULL
        if buckets is not None:
            self.table.buckets = &buckets[0]
        self.table.rows, self.table.dim = vectors.shape[0], vectors.shape[1]
        self.table.bucket_count, self.table.minn, self.table.maxn = bucket_count, minn, maxn

    def mean_vectors(self, Strings tokens not None, float[:, ::1] out, str own="none", size_t threads=1):
        require(own in OWN_ROWS, f"expected own to be one of {', '.join(OWN_ROWS)}, got {own!r}")
        cdef Own kind = <Own> <int> OWN_ROWS.index(own)
        require(<size_t> out.shape[0] == tokens.held.get().size(), "out does not fit tokens")
        require(<size_t> out.shape[1] == self.table.dim, "out has another dim")
        if out.shape[0] == 0:
            return
        with nogil:
            c_mean_vectors(self.table, tokens.held.get()[0], kind, &out[0, 0], threads)


def read_entries(const uint8_t[::1] data, uint8_t[::1] token_bytes, uint16_t[::1] token_lengths, uint8_t[::1] types):
    cdef Entries read
    cdef size_t most = token_lengths.shape[0]
    require(token_bytes.shape[0] >= data.shape[0], "token_bytes is smaller than the data")
    require(<size_t> types.shape[0] == most, "types and token_lengths differ in length")
    if data.shape[0] == 0 or most == 0:
        return 0, 0, 0, False
    with nogil:
        read = c_read_entries(&data[0], data.shape[0], most, &token_bytes[0], &token_lengths[0], &types[0])
    return read.count, read.consumed, read.token_bytes, bool(read.token_too_long)


def dequantise(const float[::1] centroids, size_t part_dim, const uint8_t[:, ::1] codes, const float[::1] norms,
               float[:, ::1] out, size_t threads=1):
    cdef Quantiser quantiser
    cdef const float* scales = NULL
    cdef size_t count = out.shape[0]
    quantiser.dim, quantiser.part_dim = out.shape[1], part_dim
    require(quantiser.dim > 0 and 1 <= part_dim <= quantiser.dim, "part_dim is out of range")
    require(<size_t> centroids.shape[0] == quantiser.dim * centroids_a_part, "centroids does not fit out")
    require(<size_t> codes.shape[0] == count and <size_t> codes.shape[1] == parts_of(quantiser.dim, part_dim),
            "codes does not fit out")
    require(norms is None or <size_t> norms.shape[0] == count, "norms does not fit out")
    if count == 0:
        return
    quantiser.centroids = &centroids[0]
    if norms is not None:
        scales = &norms[0]
    with nogil:
        c_dequantise(quantiser, &codes[0, 0], scales, count, &out[0, 0], threads)
