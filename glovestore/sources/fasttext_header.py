"""The settings at the start of fastText's binary files, checked. src/args.cc and src/dictionary.cc of fastText."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from glovestore import _core
from glovestore.sources.byte_stream import ByteStream

MAGIC = b"\xba\x16\x4f\x2f"  # of versions 11 and 12, of .bin and .ftz; before 2017 there was none, and no version
VERSIONS = (11, 12)
UNVERSIONED = 0
SUPERVISED = 3
MOST_DIM = 65_536  # a hundred times what anybody uses: memory is taken for some rows before they come
MOST_INT = 2**31 - 1

VERSION = struct.Struct("<4si")
# dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate, t; of the dictionary size,
# nwords, nlabels, ntokens; then pruneidx_size, which files without version lack.
SETTINGS = struct.Struct("<12id3iq")
PRUNED = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself. `pruned`: how many buckets have kept their rows; None: all."""

    version: int
    dim: int
    bucket: int
    minn: int
    maxn: int
    words: int
    labels: int
    pruned: int | None

    @property
    def has_subwords(self) -> bool:
        """Whether there are character n-grams. Without, buckets are of word n-grams, or of nothing."""
        return self.minn <= self.maxn and self.bucket_rows > 0

    @property
    def bucket_rows(self) -> int:
        """How many rows of buckets stand behind those of the words."""
        return self.bucket if self.pruned is None else self.pruned

    @property
    def rows(self) -> int:
        """How many rows the matrix has."""
        return self.words + self.bucket_rows


def looks_unversioned(start: bytes) -> bool:
    """Tell whether a file's first SETTINGS.size bytes are those of a model from before 2017, which has no magic."""
    if len(start) < SETTINGS.size:
        return False
    dim, _, epoch, _, _, _, loss, model, bucket, minn, maxn, _, _, size, words, labels, _ = SETTINGS.unpack(start)
    plausible = 1 <= dim <= MOST_DIM and all(0 <= number < 1 << 16 for number in (epoch, minn, maxn)) and bucket >= 0
    return plausible and 1 <= loss <= 3 and 1 <= model <= SUPERVISED and 0 <= labels <= size == words + labels


def read_header(stream: ByteStream, has_version: bool) -> Header:
    """Take the header, and raise for the first setting that cannot be."""
    version = UNVERSIONED
    if has_version:
        _, version = VERSION.unpack(stream.take(VERSION.size, "header"))
        if version not in VERSIONS:
            stream.fail(f"expected version 11 or 12 of fastText's format, got {version}", 4)
    begin = stream.position
    fields = SETTINGS.unpack(stream.take(SETTINGS.size, "header"))
    dim, model, bucket, minn, maxn = fields[0], fields[7], fields[8], fields[9], fields[10]
    size, words, labels = fields[13:16]
    pruned = PRUNED.unpack(stream.take(PRUNED.size, "header"))[0] if has_version else -1
    for name, value, low, high, byte in (
        ("dim", dim, 1, MOST_DIM, 0),
        ("model", model, 1, SUPERVISED, 28),
        ("bucket", bucket, 0, MOST_INT, 32),
        ("nwords", words, 0, MOST_INT, 60),
        ("nlabels", labels, 0, MOST_INT, 64),
        ("pruneidx_size", pruned, -1, bucket, 76),
    ):
        if not low <= value <= high:
            stream.fail(f"expected {name} from {low} to {high}, got {value}", begin + byte)
    if size != words + labels:
        stream.fail(f"expected size {words + labels}, nwords and nlabels together, got {size}", begin + 56)
    if version <= 11 and model == SUPERVISED:
        maxn = 0  # such models have no character n-grams, whatever they say
    if maxn != 0:
        _check_ngrams(stream, begin, bucket, minn, maxn)
    return Header(version, dim, bucket, max(1, minn), maxn, words, labels, None if pruned < 0 else pruned)


def _check_ngrams(stream: ByteStream, begin: int, bucket: int, minn: int, maxn: int) -> None:
    if not 0 <= maxn <= _core.MOST_NGRAM:
        stream.fail(f"expected maxn from 0 to {_core.MOST_NGRAM}, got {maxn}", begin + 40)
    if minn < 0:
        stream.fail(f"expected minn from 0 on, got {minn}", begin + 36)
    if minn <= maxn and bucket == 0:
        stream.fail(f"expected buckets for n-grams of {minn} to {maxn} characters, got none", begin + 32)
