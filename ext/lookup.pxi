# The token index over a store's mapped arrays: ext/lookup.hpp.

cdef extern from "lookup.hpp" namespace "glovestore" nogil:
    int64_t find_row(const IndexView& index, const TokenTable& table, const void* token, size_t size) noexcept
    void find_rows(const IndexView& index, const TokenTable& table, const CStrings& tokens, int64_t* rows,
                   size_t threads) except +
    uint64_t c_first_lost_row "glovestore::first_lost_row"(const IndexView& index, const TokenTable& table) noexcept


cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    #define GLOVESTORE_FREE_THREADED 1
    #else
    #define GLOVESTORE_FREE_THREADED 0
    #endif
    """
    const bint FREE_THREADED "GLOVESTORE_FREE_THREADED"
    bint PyUnicode_IS_ASCII(object text) noexcept
    const void* PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept


cdef class TokenIndex:
    # The views keep the memory, and with it a map, alive for as long as this object lives.
    cdef const uint64_t[::1] slots
    cdef const uint64_t[::1] offsets
    cdef const uint8_t[::1] token_bytes
    cdef IndexView index
    cdef TokenTable table

    def __cinit__(self, const uint64_t[::1] slots, const uint64_t[::1] token_offsets, const uint8_t[::1] token_bytes,
                  uint64_t seed, uint32_t longest_probe):
        cdef uint64_t buckets = <uint64_t> slots.shape[0] // 8
        require(slots.shape[0] % 8 == 0 and buckets >= 2 and buckets & (buckets - 1) == 0,
                "index_slots is not a power of two of buckets")
        require(longest_probe <= most_probes, "longest_probe is out of range")
        require(token_offsets.shape[0] > 1, "token_offsets has no token")
        self.slots = slots
        self.offsets = token_offsets
        self.token_bytes = token_bytes
        self.index.slots = &slots[0]
        self.index.buckets = buckets
        self.index.seed = seed
        self.index.longest_probe = longest_probe
        self.table.bytes = <const unsigned char*> start(token_bytes)
        if self.table.bytes == NULL:
            self.table.bytes = <const unsigned char*> &slots[0]  # of which no byte is read: all tokens are empty
        self.table.size = token_bytes.shape[0]
        self.table.offsets = &token_offsets[0]
        self.table.rows = token_offsets.shape[0] - 1

    cdef int64_t row_of(self, token) except -2:
        cdef PyObject* object = <PyObject*> token
        cdef int64_t row
        if isinstance(token, bytes):
            return find_row(self.index, self.table, PyBytes_AS_STRING(token), PyBytes_GET_SIZE(token))
        if not isinstance(token, str):
            raise TypeError(f"expected a token (str or bytes), got {type(token).__name__}")
        if PyUnicode_IS_ASCII(token):
            return find_row(self.index, self.table, PyUnicode_DATA(token), PyUnicode_GET_LENGTH(token))
        find_rows(self.index, self.table, ObjectStrings(&object, 1, True), &row, 1)
        return row

    def row(self, token):
        return self.row_of(token)

    def find(self, tokens, int64_t[::1] out, size_t threads=1):
        cdef Strings strings
        if isinstance(tokens, Strings):
            strings = tokens
            self.find_strings(strings, out, threads)
            tokens = strings.objects
        else:
            if FREE_THREADED or type(tokens) is not list:
                tokens = tuple(tokens)
            self.find_objects(tokens, out, threads)
        if tokens is not None:
            require_strings(tokens, out)

    cdef int find_strings(self, Strings tokens, int64_t[::1] out, size_t threads) except -1:
        require(<size_t> out.shape[0] == tokens.held.get().size(), "out does not fit tokens")
        if out.shape[0]:
            with nogil:
                find_rows(self.index, self.table, tokens.held.get()[0], &out[0], threads)
        return 0

    cdef int find_objects(self, tokens, int64_t[::1] out, size_t threads) except -1:
        # A list or a tuple. The GIL is held, so that nobody changes a list; the threads that are started do without it.
        require(out.shape[0] == PySequence_Fast_GET_SIZE(tokens), "out does not fit tokens")
        if out.shape[0]:
            find_rows(self.index, self.table, ObjectStrings(PySequence_Fast_ITEMS(tokens), out.shape[0], True), &out[0],
                      threads)
        return 0

    def first_lost_row(self):
        cdef uint64_t row
        with nogil:
            row = c_first_lost_row(self.index, self.table)
        return None if row == self.table.rows else row


cdef class SingleLookups:
    # The base of a store: one token at a time takes less than a Python function would take to be called.
    cdef TokenIndex open_index  # None: the store was closed
    cdef public object vectors
    cdef readonly StoredVectors stored

    def _set_vectors(self, vectors, scales):
        self.vectors, self.stored = vectors, StoredVectors(vectors, scales)

    def _set_index(self, TokenIndex index):
        with cython.critical_section(self):
            self.open_index = index

    @property
    def closed(self):
        return self.open_index is None

    @property
    def _index(self):
        cdef TokenIndex index
        with cython.critical_section(self):
            index = self.open_index
        if index is None:
            raise ValueError(f"{self.path}: expected an open store, got one that was closed")
        return index

    def __contains__(self, token):
        cdef TokenIndex index = self._index
        return isinstance(token, (str, bytes)) and index.row_of(token) >= 0

    def get(self, token, default=None):
        cdef TokenIndex index = self._index
        cdef int64_t row = index.row_of(token)
        return default if row < 0 else self.vector_at(row)

    cdef vector_at(self, int64_t row):
        if self.stored.view.dtype == Stored.float32:
            return self.vectors[row]
        return self._decoded_row(row)

    def __getitem__(self, tokens):
        cdef TokenIndex index
        cdef int64_t row
        if not isinstance(tokens, (str, bytes)):
            return self._vectors_of(tokens)
        index = self._index
        row = index.row_of(tokens)
        if row < 0:
            raise KeyError(tokens)
        return self.vector_at(row)
