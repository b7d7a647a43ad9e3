"""The tokens of a matrix's rows: from a file of lines, of JSON, of a tokenizer; or as the caller has them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from glovestore import _core, strict_json
from glovestore.errors import SourceFormatError
from glovestore.keeping import packed_tokens
from glovestore.sources.batching import tokens_bytes
from glovestore.streams.files import OpenFile
from glovestore.tokens import shown

NEWLINE, RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class RowTokens:
    """Tokens in the order of their rows, as few bytes as that takes."""

    data: NDArray[np.uint8]  # one behind the other
    offsets: NDArray[np.int64]  # where each begins, and the end
    rows: NDArray[np.int64]  # ascending; several tokens may share one

    def __len__(self) -> int:
        return len(self.rows)

    def packed(self, first: int, end: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """Return some tokens in the form that Batches takes."""
        offsets = self.offsets[first : end + 1]
        return self.data[offsets[0] : offsets[-1]], np.diff(offsets).astype(np.uint16)


class TokenFile:
    """A file of tokens; it stays open until it was seen that it did not change."""

    def __init__(self, path: Path) -> None:
        refuse_special(path)
        self.path = path
        self.file = OpenFile(path)
        self.size = self.file.size or 0

    def read(self, rows: int) -> RowTokens:
        """Return the tokens of a matrix of so many rows. JSON is told by its first character."""
        data = self.read_all()
        try:
            if data.lstrip()[:1] in (b"{", b"["):
                return tokens_of(_vocabulary(strict_json.loads(data)), rows)
            return _one_a_line(data, rows)
        except ValueError as error:
            raise SourceFormatError(str(error), self.path) from None

    def read_all(self) -> bytes:
        """Return the whole file."""
        return self.file.read_at(0, self.size)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def refuse_special(path: Path) -> None:
    """Raise for a pipe or a device in a place where a file is expected: to open one may wait without end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise SourceFormatError("expected a regular file, got a pipe or a device", path)


def find_beside(names: Sequence[Path], wanted: object, matrix: Path | str) -> Path:
    """Return the first of the files that is there; what the caller names, if it is a path, comes before them."""
    if isinstance(wanted, str | os.PathLike):
        return Path(wanted)
    for path in names:
        if path.is_file():
            return path
    listed = ", ".join(path.name for path in names)
    raise SourceFormatError(
        f"expected the tokens of its rows beside it ({listed}), got no such file: say tokens=", matrix
    )


def tokens_of(tokens: Iterable[Any] | Mapping[Any, Any], rows: int) -> RowTokens:
    """Return the tokens of a matrix of so many rows: a list, one for each, or a mapping token -> row.

    A row that a mapping leaves out has no token. Raises ValueError for tokens that do not fit the rows.
    """
    if isinstance(tokens, Mapping):
        return _of_mapping(tokens, rows)
    listed = tokens_bytes(tokens, 0, "token")
    _check_count(len(listed), rows)
    return _packed(listed, np.arange(rows))


def _of_mapping(tokens: Mapping[Any, Any], rows: int) -> RowTokens:
    if not tokens:
        raise ValueError("expected a token for some row, got none")
    places = np.empty(len(tokens), np.int64)
    for position, (token, row) in enumerate(tokens.items()):
        if isinstance(row, bool) or not isinstance(row, int | np.integer) or not 0 <= row < rows:
            raise ValueError(f"token {shown(token)}: expected a row from 0 to {rows - 1}, got {shown(row)}")
        places[position] = row
    order = np.argsort(places, kind="stable")
    listed = tokens_bytes(tokens, 0, "token")
    return _packed([listed[position] for position in order.tolist()], places[order])


def _packed(tokens: Sequence[bytes], rows: NDArray[np.int64]) -> RowTokens:
    data, lengths = packed_tokens(tokens)
    return RowTokens(data, _offsets(lengths), rows)


def _offsets(lengths: NDArray[Any]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _check_count(count: int, rows: int) -> None:
    if count != rows:
        raise ValueError(f"expected {rows} tokens, as the matrix has rows, got {count}")


def _one_a_line(text: bytes, rows: int) -> RowTokens:
    r"""Return the lines of a text: cut at \n only, a \r before it dropped, all other bytes kept."""
    data = np.frombuffer(text if text.endswith(b"\n") or not text else text + b"\n", np.uint8)
    ends = np.flatnonzero(data == NEWLINE)
    _check_count(len(ends), rows)
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    returns = ends[(ends > begins) & (data[ends - 1] == RETURN)] - 1
    is_token = np.ones(len(data), np.bool_)
    is_token[ends] = is_token[returns] = False
    lengths = ends - begins
    lengths[np.searchsorted(ends, returns)] -= 1
    if (longest := int(lengths.max(initial=0))) > _core.LONGEST_TOKEN:
        line = int(lengths.argmax()) + 1
        raise ValueError(f"line {line}: expected a token of at most {_core.LONGEST_TOKEN} bytes, got {longest}")
    return RowTokens(data[is_token], _offsets(lengths), np.arange(rows))


def _vocabulary(document: Any) -> Sequence[Any] | Mapping[str, Any]:
    """Return what a JSON document says: a list of tokens, an object token -> row, or Hugging Face's tokenizer.json.

    Of a tokenizer: the vocabulary of its model, whatever that is, and the tokens that were added to it.
    """
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        return document if isinstance(document, dict) else list(document)
    vocab = document["model"].get("vocab")
    if isinstance(vocab, list):  # Unigram: [token, score], in the order of their ids
        if not all(isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) for entry in vocab):
            _no_vocabulary()
        vocab = {entry[0]: row for row, entry in enumerate(vocab)}
    added = document.get("added_tokens") or []
    if not isinstance(vocab, dict) or not isinstance(added, list):
        _no_vocabulary()
    for entry in added:
        if not (isinstance(entry, dict) and isinstance(entry.get("content"), str)):
            _no_vocabulary()
        if vocab.setdefault(entry["content"], entry.get("id")) != entry.get("id"):
            raise ValueError(f"token {shown(entry['content'])}: expected one id, got two")
    return vocab


def _no_vocabulary() -> NoReturn:
    raise ValueError("expected a tokenizer.json with a vocabulary (model.vocab, added_tokens), got another structure")
