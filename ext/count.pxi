# Texts, and how often each token stands in them: ext/texts.hpp, ext/count.hpp.

from libc.string cimport memset


cdef extern from "texts.hpp" namespace "glovestore" nogil:
    cdef struct GivenTexts:
        const CStrings* strings
        const int64_t* starts
        const unsigned char* is_tokenised
        size_t count, size

    cdef struct TextCheck:
        size_t good, bytes
        int width

    TextCheck check_texts(const CStrings& strings) except +


cdef extern from "count.hpp" namespace "glovestore" nogil:
    cdef cppclass CCountedTokens "glovestore::CountedTokens":
        CCountedTokens(uint64_t seeds) except +
        void add(const CCountedTokens& other) except +
        void add(const CStrings& tokens, const int64_t* times) except +
        TokenTable table()
        const vector[int64_t]& counts()
        int64_t total()

    void count_texts(const GivenTexts& texts, CTokenizer tokenizer, const CLowerCase& lower, size_t threads,
                     CCountedTokens& counted) except +


cdef extern from "token_index.hpp" namespace "glovestore" nogil:
    cdef struct IndexBuild:
        uint32_t longest_probe
        bint too_long

    IndexBuild c_build_index "glovestore::build_index"(const TokenTable& tokens, uint64_t* slots, uint64_t buckets,
                                                       uint64_t seed) noexcept


cdef extern from "utf8.hpp" namespace "glovestore" nogil:
    bint c_has_surrogate "glovestore::has_surrogate"(const unsigned char* bytes, size_t size) noexcept


def first_not_str(objects):
    cdef Py_ssize_t i
    cdef tuple owned = tuple(objects)
    for i in range(len(owned)):
        if not isinstance(owned[i], str):
            return i
    return len(owned)


def lay_out(tuple texts not None, Py_ssize_t first, list strings not None, int64_t[::1] starts,
            uint8_t[::1] is_tokenised):
    cdef Py_ssize_t i
    require(starts.shape[0] == len(texts) + 1 and is_tokenised.shape[0] == len(texts), "the arrays do not fit the texts")
    for i in range(max(first, 0), len(texts)):
        text = texts[i]
        if isinstance(text, str):
            strings.append(text)
        elif type(text) is list or type(text) is tuple:
            strings.extend(text)
        else:
            return i
        is_tokenised[i] = not isinstance(text, str)
        starts[i + 1] = len(strings)
    return len(texts)


cdef class Texts:
    # What the block borrows stays alive, and as it is, with these.
    cdef Strings strings
    cdef const int64_t[::1] starts
    cdef const uint8_t[::1] is_tokenised
    cdef GivenTexts block
    cdef readonly size_t characters
    cdef int width          # bytes of a code point as CPython keeps a str, 0 if all are ASCII

    def __cinit__(self, Strings strings not None, const int64_t[::1] starts=None,
                  const uint8_t[::1] is_tokenised=None):
        self.strings, self.starts, self.is_tokenised = strings, starts, is_tokenised
        self.block.strings = strings.held.get()
        self.block.starts = NULL
        self.block.is_tokenised = NULL
        self.block.count = len(strings)
        if starts is not None:
            self.take_starts()
        if strings.objects is not None:
            self.check_objects()
        else:
            self.check_bytes()
        self.block.size = self.characters

    def __len__(self):
        return self.block.count

    cdef int width_for(self, CTokenizer tokenizer) noexcept:
        """Return what to ask a LowerCase for: this tokenizer's texts may need none."""
        return 0 if tokenizer == CTokenizer.whitespace else self.width

    cdef take_starts(self):
        cdef Py_ssize_t i, count = self.starts.shape[0] - 1
        cdef bint fits
        require(count >= 0 and self.is_tokenised is not None and self.is_tokenised.shape[0] == count,
                "is_tokenised does not fit starts")
        fits = self.starts[0] >= 0 and self.starts[count] <= len(self.strings)
        for i in range(count):
            fits &= self.starts[i] <= self.starts[i + 1]
            fits &= self.is_tokenised[i] or self.starts[i] + 1 == self.starts[i + 1]
        require(fits, "starts does not fit the strings")
        self.block.starts, self.block.count = &self.starts[0], count
        self.block.is_tokenised = <const unsigned char*> start(self.is_tokenised)

    cdef check_objects(self):
        # Tokens may be any str; the texts of a list are as many as its tokens that are none.
        for string in self.strings.objects:
            if not isinstance(string, str):
                raise TypeError(f"expected strings, got {type(string).__name__}")
            self.characters += PyUnicode_GET_LENGTH(string)
            if not PyUnicode_IS_ASCII(string):
                self.width = max(self.width, <int> PyUnicode_KIND(string))
        require(not self.strings.escaped, "expected strings that are not escaped")

    cdef check_bytes(self):
        cdef TextCheck check
        with nogil:
            check = check_texts(self.strings.held.get()[0])
        self.characters, self.width = check.bytes, check.width
        if check.good == <size_t> len(self.strings):
            return
        text = self.strings[check.good]
        if text is None:
            raise TypeError(f"texts[{check.good}]: expected a str, got null")
        raise ValueError(f"texts[{check.good}]: expected UTF-8, got {text[:60].encode('utf-8', 'surrogateescape')!r}")


cdef class CountedTokens:
    cdef CCountedTokens* counted
    cdef bint is_shown      # somebody has views of the memory: it must not move any more

    def __cinit__(self, uint64_t index_seeds=INDEX_SEEDS):
        self.counted = new CCountedTokens(index_seeds)

    def __dealloc__(self):
        del self.counted

    def __len__(self):
        return self.counted.table().rows

    @property
    def total(self):
        return self.counted.total()

    def count(self, Texts texts not None, str tokenizer not None, LowerCase lower_case not None, size_t threads=1):
        cdef CTokenizer kind = tokenizer_named(tokenizer)
        cdef CLowerCase lower = lower_case.table(texts.width_for(kind))
        require(not self.is_shown, "the counts are finished")
        with nogil:
            count_texts(texts.block, kind, lower, threads, self.counted[0])

    def add(self, CountedTokens other not None):
        require(not self.is_shown and other is not self, "the counts are finished")
        with nogil:
            self.counted.add(other.counted[0])

    def add_counts(self, Strings tokens not None, const int64_t[::1] counts):
        require(not self.is_shown, "the counts are finished")
        require(counts.shape[0] == len(tokens), "counts does not fit tokens")
        if tokens.objects is not None:
            require(first_not_str(tokens.objects) == len(tokens), "a token is no str")
        if counts.shape[0] == 0:
            return
        require(min_of(counts) >= 0, "a count is negative")
        with nogil:
            self.counted.add(tokens.held.get()[0], &counts[0])

    def arrays(self):
        self.is_shown = True
        cdef TokenTable table = self.counted.table()
        return (memory_of(self, table.bytes, table.size),
                memory_of(self, table.offsets, (table.rows + 1) * sizeof(uint64_t)),
                memory_of(self, self.counted.counts().data(), table.rows * sizeof(int64_t)))


cdef int64_t min_of(const int64_t[::1] numbers) noexcept:
    cdef Py_ssize_t i
    cdef int64_t least = numbers[0]
    for i in range(numbers.shape[0]):
        least = min(least, numbers[i])
    return least


cdef TokenTable checked_table(const uint8_t[::1] token_bytes, const uint64_t[::1] offsets) except *:
    # Tokens one behind the other, all of them inside.
    cdef TokenTable table
    cdef Py_ssize_t i
    cdef bint rises = True
    require(offsets.shape[0] > 0 and offsets[0] == 0, "offsets does not begin with 0")
    for i in range(offsets.shape[0] - 1):
        rises &= offsets[i] <= offsets[i + 1]
    require(rises and offsets[offsets.shape[0] - 1] == <uint64_t> token_bytes.shape[0], "offsets do not fit the tokens")
    table.bytes = <const unsigned char*> start(token_bytes)
    if table.bytes == NULL:
        table.bytes = <const unsigned char*> &offsets[0]  # of which no byte is read: all tokens are empty
    table.size, table.offsets, table.rows = token_bytes.shape[0], &offsets[0], offsets.shape[0] - 1
    return table


def build_index(const uint8_t[::1] token_bytes, const uint64_t[::1] offsets, uint64_t[::1] slots,
                uint64_t index_seeds=INDEX_SEEDS):
    cdef TokenTable table = checked_table(token_bytes, offsets)
    cdef uint64_t buckets = c_buckets_for(table.rows), seed
    cdef IndexBuild built
    require(table.rows < 0xFFFFFFFF, "expected fewer than 2**32 - 1 tokens")
    require(<uint64_t> slots.shape[0] == buckets * 8, "slots does not fit the tokens")
    for seed in range(index_seeds):
        with nogil:
            memset(&slots[0], 0, slots.shape[0] * sizeof(uint64_t))
            built = c_build_index(table, &slots[0], buckets, seed)
        if not built.too_long:
            require(built.longest_probe <= most_probes, "expected tokens that differ")
            return seed, built.longest_probe
    raise ValueError("thousands of tokens collide under every seed of the index, as only made-up ones do")


def select_tokens(const uint8_t[::1] token_bytes, const uint64_t[::1] offsets, const int64_t[::1] rows,
                  uint8_t[::1] out):
    cdef TokenTable table = checked_table(token_bytes, offsets)
    cdef Py_ssize_t i, size, filled = 0, total = 0
    cdef const unsigned char* tokens = table.bytes
    for i in range(rows.shape[0]):
        require(0 <= rows[i] < <int64_t> table.rows, f"row {rows[i]} of {table.rows}")
        total += offsets[rows[i] + 1] - offsets[rows[i]]
    require(total == out.shape[0], "out does not fit the tokens")
    with nogil:
        for i in range(rows.shape[0]):
            size = offsets[rows[i] + 1] - offsets[rows[i]]
            if size:
                memcpy(&out[filled], tokens + offsets[rows[i]], size)
            filled += size


def has_surrogate(const uint8_t[::1] text):
    return c_has_surrogate(<const unsigned char*> start(text), text.shape[0])
