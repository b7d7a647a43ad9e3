# What a build is made of: text to rows, rows to a file (ext/ingest.hpp, ext/row_writer.hpp).

from collections import deque

from libc.string cimport memcpy


cdef extern from "piece_hashes.hpp" namespace "glovestore" nogil:
    cdef cppclass CPieceHashes "glovestore::PieceHashes":
        CPieceHashes(size_t piece_size, size_t position) except +
        void hash_whole(const void* data, size_t size, uint64_t offset, vector[uint64_t]& hashes) except +
        void add(const void* data, size_t size, const vector[uint64_t]& whole) except +
        const vector[uint64_t]& finished()
        uint64_t bytes()
        uint64_t digest()


cdef extern from "token_table.hpp" namespace "glovestore" nogil:
    const uint64_t index_seeds

    cdef cppclass GrowingTokens:
        uint64_t rows()
        TokenTable table()
        IndexView index()


cdef extern from "buffer.hpp" namespace "glovestore" nogil:
    cdef cppclass Buffer[T]:
        void require(size_t size) except +
        T* data()


cdef extern from "outcome.hpp" namespace "glovestore" nogil:
    cdef enum class Outcome(int):
        ok, stopped, bad_line, record_too_long, truncated, left_over, collisions, read_failed, write_failed, \
            out_of_memory, out_of_range


cdef extern from "row_writer.hpp" namespace "glovestore" nogil:
    cdef cppclass RowBatch:
        Buffer[float] vectors
        Buffer[uint8_t] token_bytes
        Buffer[uint16_t] token_lengths
        size_t rows
        Buffer[uint8_t] stored
        Buffer[float] scales
        bint is_encoded

    cdef struct OutOfRange:
        uint64_t row
        size_t column
        float value
        string token

    cdef cppclass CRowWriter "glovestore::RowWriter":
        CRowWriter(int fd, uint64_t vectors_offset, uint64_t checksums_offset, size_t checksum_block, size_t dim,
                   Stored dtype, uint64_t expected_rows, uint64_t index_seeds, const Kernels& kernels) except +
        Outcome append(RowBatch& batch) except +
        bint finish() except +
        size_t dim()
        Stored dtype()
        const GrowingTokens& tokens()
        uint64_t duplicates()
        const vector[string]& first_duplicates()
        const vector[float]& norms()
        const vector[float]& scales()
        const OutOfRange& out_of_range()
        const vector[uint64_t]& block_hashes()
        const vector[double]& mean()
        const vector[double]& std()
        int error()


cdef extern from "finite.hpp" namespace "glovestore" nogil:
    size_t c_first_not_finite "glovestore::first_not_finite"(const float* vectors, size_t rows, size_t dim,
                                                             size_t first) noexcept


cdef extern from "keep.hpp" namespace "glovestore" nogil:
    cdef cppclass CKeptTokens "glovestore::KeptTokens":
        CKeptTokens() except +
        bint has(const unsigned char* token, size_t size) noexcept
        bint add(const unsigned char* bytes, const uint16_t* lengths, size_t count) except +


cdef extern from "records.hpp" namespace "glovestore" nogil:
    const size_t longest_record

    cdef struct BadRecord:
        uint64_t number
        RowFault fault
        size_t field, field_size, found
        bint unfinished
        string text

    cdef struct RecordOptions:
        size_t prefix
        uint64_t most
        bint skip_bad
        const CKeptTokens* keep

    cdef cppclass Records:
        bint is_cut()


cdef extern from "lines.hpp" namespace "glovestore" nogil:
    cdef cppclass Lines(Records):
        Lines(size_t dim, const RecordOptions& options) except +


cdef extern from "word2vec.hpp" namespace "glovestore" nogil:
    cdef cppclass Word2vecRows(Records):
        Word2vecRows(size_t dim, uint64_t rows, const RecordOptions& options) except +


cdef extern from "blocks.hpp" namespace "glovestore" nogil:
    const size_t most_fed

    cdef cppclass Blocks:
        Blocks(int fd, const char* head, size_t head_size, size_t block_size, Records& records) except +
        bint feed(const char* data, size_t size, double seconds) except +
        void finish_feeding()
        uint64_t bytes()
        bint used_up()


cdef extern from "ingest.hpp" namespace "glovestore" nogil:
    cdef struct Counts:
        uint64_t lines, skipped, not_kept
        bint final_newline, last_is_unk
        uint64_t fault_at

    cdef cppclass CIngest "glovestore::Ingest":
        CIngest(Blocks& blocks, const Records& records, CRowWriter& writer, uint64_t header) except +
        void work() noexcept
        void stop() noexcept
        Outcome outcome()
        int error()
        const Counts& counts()
        const vector[BadRecord]& bad_records()
        uint64_t source_bytes()
        uint64_t source_digest()


INDEX_SEEDS = index_seeds
LONGEST_LINE = longest_record
OUTCOMES = ("ok", "stopped", "bad_line", "record_too_long", "truncated", "left_over", "collisions", "read_failed",
            "write_failed", "out_of_memory", "out_of_range")


cdef class PieceHashes:
    cdef CPieceHashes* hashes

    def __cinit__(self, size_t piece_size, size_t position=0):
        require(position < piece_size, "expected 0 <= position < piece_size")
        self.hashes = new CPieceHashes(piece_size, position)

    def __dealloc__(self):
        del self.hashes

    def add(self, const uint8_t[::1] data):
        cdef vector[uint64_t] whole
        cdef const void* begin = start(data)
        cdef size_t size = data.shape[0]
        with nogil:
            self.hashes.hash_whole(begin, size, self.hashes.bytes(), whole)
            self.hashes.add(begin, size, whole)

    @property
    def finished(self):
        return self.hashes.finished()

    @property
    def digest(self):
        return self.hashes.digest()


cdef int copy_vectors(const CStoredVectors& source, RowBatch& batch) except -1 nogil:
    cdef size_t size = source.rows * source.dim * size_of(source.dtype)
    if not batch.is_encoded:
        batch.vectors.require(source.rows * source.dim)
        memcpy(batch.vectors.data(), source.data, size)
        return 0
    batch.stored.require(size)
    memcpy(batch.stored.data(), source.data, size)
    if source.dtype == Stored.int8:
        batch.scales.require(source.rows)
        memcpy(batch.scales.data(), source.scales, source.rows * sizeof(float))
    return 0


cdef class RowWriter:
    cdef CRowWriter* writer
    cdef bint is_finished

    def __cinit__(self, int fd, uint64_t vectors_offset, uint64_t checksums_offset, size_t checksum_block, size_t dim,
                  uint64_t expected_rows=0, str tier=SIMD_TIERS[0], uint64_t index_seeds=INDEX_SEEDS,
                  str dtype="float32"):
        require(dim > 0 and checksum_block > 0 and vectors_offset - checksums_offset < checksum_block,
                "expected a dim, and vectors that begin in the first checksum block")
        self.writer = new CRowWriter(fd, vectors_offset, checksums_offset, checksum_block, dim,
                                     stored_dtype(dtype), expected_rows, index_seeds, kernels_named(tier)[0])

    def __dealloc__(self):
        del self.writer

    def append(self, vectors, const uint8_t[::1] token_bytes, const uint16_t[::1] token_lengths):
        cdef RowBatch batch
        cdef size_t i, total = 0
        cdef Outcome outcome
        require(not self.is_finished, "the rows are finished")
        cdef StoredVectors source = stored(vectors)
        require(source.view.dim == self.writer.dim(), "vectors has another dim")
        require(source.view.dtype in (Stored.float32, self.writer.dtype()), "vectors has another dtype")
        require(<size_t> token_lengths.shape[0] == source.view.rows, "token_lengths and vectors differ in length")
        batch.rows = source.view.rows
        batch.is_encoded = source.view.dtype != Stored.float32
        if batch.rows == 0:
            return "ok", 0
        for i in range(batch.rows):
            total += token_lengths[i]
        require(total == <size_t> token_bytes.shape[0], "token_bytes does not fit token_lengths")
        cdef const uint8_t* tokens = <const uint8_t*> start(token_bytes)
        with nogil:
            copy_vectors(source.view, batch)
            batch.token_bytes.require(total + 1)
            if total:
                memcpy(batch.token_bytes.data(), tokens, total)
            batch.token_lengths.require(batch.rows)
            memcpy(batch.token_lengths.data(), &token_lengths[0], batch.rows * sizeof(uint16_t))
            outcome = self.writer.append(batch)
        return OUTCOMES[<int> outcome], self.writer.error()

    def finish(self):
        cdef bint fits
        with nogil:
            fits = self.writer.finish()
        self.is_finished = True
        return fits

    @property
    def rows(self):
        return self.writer.tokens().rows()

    @property
    def duplicates(self):
        return self.writer.duplicates()

    @property
    def first_duplicates(self):
        cdef const string* token
        cdef size_t i
        cdef list tokens = []
        for i in range(self.writer.first_duplicates().size()):
            token = &self.writer.first_duplicates()[i]
            tokens.append(token.data()[:token.size()])
        return tokens

    @property
    def out_of_range(self):
        cdef const OutOfRange* found = &self.writer.out_of_range()
        return found.row, found.column, found.value, <bytes> found.token

    @property
    def index_seed(self):
        return self.writer.tokens().index().seed

    @property
    def longest_probe(self):
        return self.writer.tokens().index().longest_probe

    def arrays(self):
        require(self.is_finished, "the rows are not finished")
        cdef TokenTable tokens = self.writer.tokens().table()
        cdef IndexView index = self.writer.tokens().index()
        cdef size_t dim = self.writer.dim()
        arrays = {
            "norms": memory_of(self, self.writer.norms().data(), self.writer.norms().size() * sizeof(float)),
            "mean": memory_of(self, self.writer.mean().data(), dim * sizeof(double)),
            "std": memory_of(self, self.writer.std().data(), dim * sizeof(double)),
            "token_bytes": memory_of(self, tokens.bytes, tokens.size),
            "token_offsets": memory_of(self, tokens.offsets, (tokens.rows + 1) * sizeof(uint64_t)),
            "index_slots": memory_of(self, index.slots, index.buckets * 8 * sizeof(uint64_t)),
        }
        if self.writer.dtype() == Stored.int8:
            arrays["scales"] = memory_of(self, self.writer.scales().data(),
                                         self.writer.scales().size() * sizeof(float))
        return arrays

    def block_hashes(self):
        return memory_of(self, self.writer.block_hashes().data(), self.writer.block_hashes().size() * sizeof(uint64_t))


cdef class KeptTokens:
    cdef CKeptTokens tokens

    def __cinit__(self, const uint8_t[::1] token_bytes, const uint16_t[::1] token_lengths):
        cdef size_t i, total = 0, count = token_lengths.shape[0]
        cdef bint fits = True
        for i in range(count):
            total += token_lengths[i]
        require(total == <size_t> token_bytes.shape[0], "token_bytes does not fit token_lengths")
        cdef const unsigned char* begin = <const unsigned char*> start(token_bytes)
        if count:
            with nogil:
                fits = self.tokens.add(begin, &token_lengths[0], count)
        require(fits, "the tokens to keep collide under every seed of the index")

    def find(self, const uint8_t[::1] token_bytes, const uint16_t[::1] token_lengths, uint8_t[::1] is_kept):
        cdef size_t i, total = 0, count = token_lengths.shape[0]
        for i in range(count):
            total += token_lengths[i]
        require(total == <size_t> token_bytes.shape[0], "token_bytes does not fit token_lengths")
        require(<size_t> is_kept.shape[0] == count, "is_kept and token_lengths differ in length")
        cdef unsigned char nothing = 0
        cdef const unsigned char* token = <const unsigned char*> start(token_bytes) if total else &nothing
        with nogil:
            for i in range(count):
                is_kept[i] = self.tokens.has(token, token_lengths[i])
                token += token_lengths[i]


cdef class Ingest:
    cdef Records* records
    cdef Blocks* blocks
    cdef CIngest* engine
    cdef RowWriter writer
    cdef KeptTokens keep
    cdef object fed

    def __cinit__(self, RowWriter writer not None, int fd, const uint8_t[::1] head, size_t prefix, bint header,
                  bint skip_bad=False, KeptTokens keep=None, uint64_t most=<uint64_t> -1, size_t block_size=1 << 20,
                  word2vec_rows=None):
        cdef RecordOptions options
        cdef size_t dim = writer.writer.dim()
        require(0 < block_size <= longest_record, "block_size is out of range")
        require(prefix <= <size_t> head.shape[0], "the prefix is longer than the head")
        require(not writer.is_finished, "the rows are finished")
        require(word2vec_rows is None or dim <= longest_record // sizeof(float), "a row is longer than any may be")
        self.writer, self.keep, self.fed = writer, keep, deque(maxlen=most_fed + 1)
        options.prefix, options.most, options.skip_bad = prefix, most, skip_bad
        options.keep = NULL
        if keep is not None:
            options.keep = &keep.tokens
        if word2vec_rows is None:
            self.records = new Lines(dim, options)
        else:
            self.records = new Word2vecRows(dim, word2vec_rows, options)
        self.blocks = new Blocks(fd, <const char*> start(head), head.shape[0], block_size, self.records[0])
        self.engine = new CIngest(self.blocks[0], self.records[0], writer.writer[0], header)

    def __dealloc__(self):
        del self.engine
        del self.blocks
        del self.records

    def work(self):
        with nogil:
            self.engine.work()

    def stop(self):
        self.engine.stop()

    def feed(self, const uint8_t[::1] data, double seconds):
        cdef const void* begin = start(data)
        cdef size_t size = data.shape[0]
        cdef bint taken
        with nogil:
            taken = self.blocks.feed(<const char*> begin, size, seconds)
        if taken:
            self.fed.append(data)  # stays until most_fed others were taken
        return taken

    def finish_feeding(self):
        self.blocks.finish_feeding()

    @property
    def outcome(self):
        return OUTCOMES[<int> self.engine.outcome()]

    @property
    def error(self):
        return self.engine.error()

    @property
    def bytes_read(self):
        return self.blocks.bytes()

    @property
    def is_used_up(self):
        return self.blocks.used_up()

    @property
    def was_cut(self):
        return self.records.is_cut()

    @property
    def source_bytes(self):
        return self.engine.source_bytes()

    @property
    def source_digest(self):
        return self.engine.source_digest()

    @property
    def counts(self):
        return self.engine.counts()

    @property
    def bad_records(self):
        cdef size_t i
        cdef const BadRecord* bad
        cdef list records = []
        for i in range(self.engine.bad_records().size()):
            bad = &self.engine.bad_records()[i]
            records.append((bad.number, FAULT_NAMES[<int> bad.fault], bad.field, bad.field_size, bad.found,
                            bool(bad.unfinished), <bytes> bad.text))
        return records


def first_not_finite(const float[:, ::1] vectors, size_t first=0):
    cdef size_t row, rows = vectors.shape[0]
    if first >= rows or vectors.shape[1] == 0:
        return None
    with nogil:
        row = c_first_not_finite(&vectors[0, 0], rows, vectors.shape[1], first)
    return row if row < rows else None


def row_norms(const float[:, ::1] vectors, float[::1] norms, str tier=SIMD_TIERS[0]):
    cdef const Kernels* kernels = kernels_named(tier)
    require(norms.shape[0] == vectors.shape[0], "norms does not fit vectors")
    if vectors.shape[0] == 0 or vectors.shape[1] == 0:
        return
    with nogil:
        kernels.row_norms(&vectors[0, 0], vectors.shape[0], vectors.shape[1], &norms[0])


cdef class Statistics:
    cdef CStatistics state
    cdef double[:, ::1] memory
    cdef const Kernels* kernels

    def __cinit__(self, double[:, ::1] memory, str tier=SIMD_TIERS[0]):
        self.kernels = kernels_named(tier)
        require(memory.shape[0] == 5 and memory.shape[1] > 0, "memory is not (5, dim)")
        self.memory = memory
        memory[:, :] = 0.0
        self.state.joined_rows = self.state.block_rows = 0
        self.state.mean = &memory[0, 0]
        self.state.squares = &memory[1, 0]
        self.state.shift = &memory[2, 0]
        self.state.sum = &memory[3, 0]
        self.state.sum_of_squares = &memory[4, 0]

    def update(self, const float[:, ::1] vectors):
        require(vectors.shape[1] == self.memory.shape[1], "vectors and memory differ in dim")
        if vectors.shape[0] == 0:
            return
        with nogil:
            self.kernels.update_statistics(self.state, &vectors[0, 0], vectors.shape[0], vectors.shape[1])

    def finish(self, double[::1] mean, double[::1] std):
        require(mean.shape[0] == self.memory.shape[1] and std.shape[0] == mean.shape[0], "mean or std is not (dim,)")
        with nogil:
            finish_statistics(self.state, self.memory.shape[1], &std[0])
        mean[:] = self.memory[0]
