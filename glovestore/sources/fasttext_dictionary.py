"""The dictionary of fastText's binary files: words, labels, and which buckets have kept their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.sources.byte_stream import ByteStream
from glovestore.sources.fasttext_header import Header
from glovestore.streams.decoding import HELD_FREELY

WORD, LABEL = 0, 1
NAMES = {WORD: "a word", LABEL: "a label"}
SHORTEST_ENTRY = 10  # NUL, i64 count, i8 type


@dataclass(frozen=True, eq=False)
class Dictionary:
    """The words of a model, and of a pruned one its buckets.

    Word i is token_bytes[offsets[i]:offsets[i + 1]]. buckets: (pruned,) uint64, rising, the buckets that have a row;
    bucket_rows: int64, which row behind those of the words it is. Both None: every bucket has the row of its number.
    """

    token_bytes: NDArray[np.uint8]
    token_lengths: NDArray[np.uint16]
    offsets: NDArray[np.uint64]
    buckets: NDArray[np.uint64] | None
    bucket_rows: NDArray[np.int64] | None


def read_dictionary(stream: ByteStream, header: Header) -> Dictionary:
    """Take the dictionary, entry by entry; labels are left out."""
    stream.expect(SHORTEST_ENTRY * (header.words + header.labels), "dictionary")
    token_bytes, token_lengths = _read_entries(stream, header.words, WORD)
    _read_entries(stream, header.labels, LABEL)
    offsets = np.zeros(len(token_lengths) + 1, np.uint64)
    np.cumsum(token_lengths, out=offsets[1:])
    return Dictionary(token_bytes, token_lengths, offsets, *_read_buckets(stream, header))


def _read_entries(stream: ByteStream, count: int, kind: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Take `count` entries of one kind, and return the bytes of their tokens and their lengths."""
    texts: list[NDArray[np.uint8]] = []
    lengths: list[NDArray[np.uint16]] = []
    done = 0
    while done < count:
        window = stream.window
        room = min(count - done, len(window) // SHORTEST_ENTRY)
        text, some, types = np.empty(len(window), np.uint8), np.empty(room, np.uint16), np.empty(room, np.uint8)
        found, consumed, text_bytes, too_long = _core.read_entries(window, text, some, types)
        _check_types(stream, types[:found], some, kind, done)
        stream.advance(consumed)
        stream.check_unfolded(stream.position, "dictionary", HELD_FREELY)
        if kind == WORD:
            texts.append(text[:text_bytes].copy())
            lengths.append(some[:found].copy())
        done += found
        if too_long or (found == 0 and len(window) > _core.LONGEST_TOKEN):
            stream.fail(
                f"expected a token of at most {_core.LONGEST_TOKEN} bytes and a NUL behind it, got a longer one"
            )
        if found == 0 and not stream.extend():
            stream.fail(f"expected {NAMES[kind]}, number {done} of {count}, got the end of the file: it is cut off")
    empty = np.empty(0, np.uint8), np.empty(0, np.uint16)
    return np.concatenate([empty[0], *texts]), np.concatenate([empty[1], *lengths])


def _check_types(
    stream: ByteStream, types: NDArray[np.uint8], lengths: NDArray[np.uint16], kind: int, first: int
) -> None:
    wrong = np.flatnonzero(types != kind)
    if not len(wrong):
        return
    entry = int(wrong[0])
    byte = stream.position + SHORTEST_ENTRY * (entry + 1) + int(lengths[: entry + 1].sum(dtype=np.int64)) - 1
    got = NAMES.get(int(types[entry]), f"an entry of type {types[entry]}")
    stream.fail(f"expected {NAMES[kind]} (type {kind}), number {first + entry}, got {got}", byte)


def _read_buckets(
    stream: ByteStream, header: Header
) -> tuple[NDArray[np.uint64], NDArray[np.int64]] | tuple[None, None]:
    """Take the pairs (bucket, row) of a pruned model, and return them by bucket."""
    if header.pruned is None:
        return None, None
    begin = stream.position
    pairs = np.frombuffer(stream.take(8 * header.pruned, "list of kept buckets"), "<i4").reshape(-1, 2).astype(np.int64)
    for column, name, limit in ((0, "bucket", header.bucket), (1, "row", header.pruned)):
        wrong = np.flatnonzero((pairs[:, column] < 0) | (pairs[:, column] >= limit))
        if len(wrong):
            pair = int(wrong[0])
            stream.fail(
                f"expected a kept {name} from 0 to {limit - 1}, got {pairs[pair, column]}",
                begin + 8 * pair + 4 * column,
            )
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    again = np.flatnonzero(np.diff(pairs[:, 0]) == 0)
    if len(again):
        stream.fail(f"expected each kept bucket once, got {pairs[again[0], 0]} twice", begin)
    return pairs[:, 0].astype(np.uint64), pairs[:, 1].copy()
