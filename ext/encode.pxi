# Texts to ids: ext/encode.hpp.


cdef extern from "encode.hpp" namespace "glovestore" nogil:
    cdef struct IdRule:
        int64_t shift, padding_row, unk_row, unk_id

    cdef struct CKnownTokens "glovestore::KnownTokens":
        IndexView index
        TokenTable table
        IdRule rule
        bint escaped

    cdef struct RowShape:
        size_t width
        bint fill_left, cut_left

    cdef cppclass RecentRows:
        RecentRows() except +

    void find_ids(const CKnownTokens& known, RecentRows& recent, const TokenView* tokens, size_t count, int64_t* ids) except +
    void encode_padded(const CKnownTokens& known, const GivenTexts& texts, CTokenizer tokenizer, const CLowerCase& lower,
                       const RowShape& shape, int32_t* out, int64_t* lengths, size_t threads) except +
    void encode_padded(const CKnownTokens& known, const GivenTexts& texts, CTokenizer tokenizer, const CLowerCase& lower,
                       const RowShape& shape, int64_t* out, int64_t* lengths, size_t threads) except +

    cdef cppclass CRaggedIds "glovestore::RaggedIds":
        void encode(const CKnownTokens& known, const GivenTexts& texts, CTokenizer tokenizer, const CLowerCase& lower,
                    size_t threads) except +
        size_t texts()
        size_t ids()
        size_t longest()
        void copy(int64_t* values, int64_t* offsets)
        void pad(bint fill_left, int32_t* out, int64_t* lengths)
        void pad(bint fill_left, int64_t* out, int64_t* lengths)


cdef char* place(Target out, Py_ssize_t first_row, Py_ssize_t count) except? NULL:
    require(out.dtype in ("int32", "int64"), f"expected int32 or int64, got {out.dtype}")
    require(0 <= first_row and first_row + count <= out.rows, f"expected {out.rows} texts, got more")
    return out.data + first_row * out.columns * (4 if out.dtype == "int32" else 8)


cdef class KnownTokens:
    cdef TokenIndex index
    cdef CKnownTokens known

    def __cinit__(self, TokenIndex index not None, int64_t shift, int64_t padding_row, int64_t unk_row,
                  int64_t unk_id, bint escaped):
        self.index = index
        self.known.index, self.known.table = index.index, index.table
        self.known.rule.shift, self.known.rule.padding_row = shift, padding_row
        self.known.rule.unk_row, self.known.rule.unk_id = unk_row, unk_id
        self.known.escaped = escaped

    def id_of(self, str token not None):
        cdef PyObject* object = <PyObject*> token
        cdef ObjectStrings strings = ObjectStrings(&object, 1, False)
        cdef TokenView view
        cdef Scratch scratch
        cdef int64_t found
        cdef RecentRows none
        (<CStrings*> &strings).read(0, 1, &view, scratch)
        find_ids(self.known, none, &view, 1, &found)
        return found

    def encode(self, Texts texts not None, str tokenizer not None, LowerCase lower_case not None,
               Target out not None, Py_ssize_t first_row, int64_t[::1] lengths, bint fill_left, bint cut_left,
               size_t threads=1):
        cdef CTokenizer kind = tokenizer_named(tokenizer)
        cdef CLowerCase lower = lower_case.table(texts.width_for(kind))
        cdef RowShape shape
        cdef int64_t* sizes
        cdef bint is_narrow
        cdef char* data = place(out, first_row, texts.block.count)
        require(lengths.shape[0] == out.rows, "lengths does not fit out")
        if texts.block.count == 0:
            return
        sizes = &lengths[first_row]
        shape.width, shape.fill_left, shape.cut_left = out.columns, fill_left, cut_left
        is_narrow = out.dtype == "int32"
        with nogil:
            if is_narrow:
                encode_padded(self.known, texts.block, kind, lower, shape, <int32_t*> data, sizes, threads)
            else:
                encode_padded(self.known, texts.block, kind, lower, shape, <int64_t*> data, sizes, threads)


cdef class RaggedIds:
    cdef CRaggedIds found

    def encode(self, KnownTokens known not None, Texts texts not None, str tokenizer not None,
               LowerCase lower_case not None, size_t threads=1):
        cdef CTokenizer kind = tokenizer_named(tokenizer)
        cdef CLowerCase lower = lower_case.table(texts.width_for(kind))
        with nogil:
            self.found.encode(known.known, texts.block, kind, lower, threads)

    @property
    def texts(self):
        return self.found.texts()

    @property
    def ids(self):
        return self.found.ids()

    @property
    def longest(self):
        return self.found.longest()

    def copy(self, int64_t[::1] values, int64_t[::1] offsets):
        cdef int64_t* begin
        require(<size_t> values.shape[0] == self.found.ids(), "values does not fit the ids")
        require(<size_t> offsets.shape[0] == self.found.texts() + 1, "offsets does not fit the texts")
        begin = &values[0] if values.shape[0] else NULL
        with nogil:
            self.found.copy(begin, &offsets[0])

    def pad(self, Target out not None, int64_t[::1] lengths, bint fill_left):
        cdef int64_t* sizes
        cdef char* data
        cdef bint is_narrow
        require(<size_t> out.rows == self.found.texts() and <size_t> out.columns == self.found.longest(),
                "out does not fit the ids")
        require(lengths.shape[0] == out.rows, "lengths does not fit out")
        if out.rows == 0:
            return
        sizes, data, is_narrow = &lengths[0], place(out, 0, out.rows), out.dtype == "int32"
        with nogil:
            if is_narrow:
                self.found.pad(fill_left, <int32_t*> data, sizes)
            else:
                self.found.pad(fill_left, <int64_t*> data, sizes)
