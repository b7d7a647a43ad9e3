"""fastText's binary models, `.bin` and quantised `.ftz` -> rows of a store, and rows of n-grams for all other tokens.

The format is that of src/fasttext.cc, dictionary.cc and quantmatrix.cc of fastText: versions 11 and 12, and the one
before 2017 that had no version, neither quantised nor pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from glovestore.format.writer import StoreWriter
from glovestore.replacing import ReplacingFile
from glovestore.sources.byte_stream import ByteStream
from glovestore.sources.fasttext_dictionary import Dictionary, read_dictionary
from glovestore.sources.fasttext_header import MAGIC, UNVERSIONED, read_header
from glovestore.sources.fasttext_matrix import InputMatrix, batch_rows, read_matrix, take_output
from glovestore.sources.reader import Batches, FileReader, ReadOptions, SourceRead
from glovestore.streams.files import Source
from glovestore.subwords import Subwords

BATCH_TOKEN_BYTES = 1 << 18  # between two looks at signals: the longest tokens and n-grams there can be take seconds
SMALLEST_ROW = 11  # bytes of an entry of the dictionary and one code


class FastTextReader(FileReader):
    """Reads a model's words in the order of its dictionary, each with the vector that fastText gives it.

    That is the mean of the word's own row and those of its n-grams, in float32: the own row, the n-grams' by where they
    begin and then by length, then times the reciprocal of their number. Of a dense matrix these are fastText's own
    bits; of a quantised one with norms those that it gives where the compiler does not fuse multiply and add.
    Labels are left out. A model without character n-grams has no subwords: its buckets are of word n-grams.
    """

    format = "fasttext"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._stream = ByteStream(source)
        self._header = read_header(self._stream, source.peek(len(MAGIC)) == MAGIC)
        self.dim = self._header.dim
        if source.regular and source.size is not None:
            self.expected_rows = min(self._header.words, source.size // SMALLEST_ROW)

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all of the file, then make the rows. The scratch file beside the store is as large as the matrix."""
        writer.prepare()
        stream, header, threads = self._stream, self._header, self.options.threads
        taken = Batches(self, writer)
        with ReplacingFile(writer.file.target, writer.file.may_replace) as scratch:
            dictionary = read_dictionary(stream, header)
            advance_to(self.source.position)
            matrix = read_matrix(stream, header, dictionary, scratch, threads)
            advance_to(self.source.position)
            take_output(stream, header, matrix.is_quantised)
            stream.expect_end()
            advance_to(self.source.position)
            subwords = None
            if matrix.ngram_rows is not None:
                subwords = Subwords(matrix.ngram_rows, header.bucket, header.minn, header.maxn, dictionary.buckets)
            self._append(taken, dictionary, matrix, subwords)
        arrays, metadata = (subwords.arrays(), subwords.metadata()) if subwords else ({}, {})
        return taken.finish(stream.position, stream.digest, arrays, metadata)

    def _append(self, taken: Batches, dictionary: Dictionary, matrix: InputMatrix, subwords: Subwords | None) -> None:
        eos_has_ngrams = self._header.version == UNVERSIONED
        for first, stop in _batches(dictionary, self.dim):
            if taken.is_full:
                break
            rows = matrix.word_rows(first, stop)
            offsets = dictionary.offsets[first : stop + 1]
            token_bytes = dictionary.token_bytes[int(offsets[0]) : int(offsets[-1])]
            if subwords is not None:
                subwords.average_own(token_bytes, offsets - offsets[0], rows, self.options.threads, eos_has_ngrams)
            taken.append(rows, token_bytes, dictionary.token_lengths[first:stop])


def _batches(dictionary: Dictionary, dim: int) -> Iterator[tuple[int, int]]:
    """Yield [first, stop) of all words, in parts that are small in rows and in bytes."""
    words, offsets, first = len(dictionary.token_lengths), dictionary.offsets, 0
    while first < words:
        most = int(np.searchsorted(offsets, offsets[first] + np.uint64(BATCH_TOKEN_BYTES), "right")) - 1
        stop = min(words, first + batch_rows(dim), max(first + 1, most))
        yield first, stop
        first = stop
