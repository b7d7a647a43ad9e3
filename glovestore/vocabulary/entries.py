"""What a vocabulary's tokens are kept in: arrays of its own, or those of a store that it borrows.

Both have the tokens in index order, the special ones first, and `known`, which finds their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.vocabulary import packed
from glovestore.vocabulary.file import PADDING_TOKEN
from glovestore.vocabulary.packed import PackedTokens


class OwnEntries:
    """Tokens in arrays of the vocabulary's own."""

    def __init__(self, tokens: PackedTokens, has_unk: bool) -> None:
        self.tokens = tokens
        unk_row = 1 if has_unk else -1
        self.known = _core.KnownTokens(packed.make_index(tokens), 0, 0, unk_row, unk_row, escaped=False)

    def __len__(self) -> int:
        return self.tokens.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnEntries) and self.tokens.equals(other.tokens)

    def texts(self) -> tuple[str, ...]:
        """Return all tokens."""
        return tuple(self.tokens.texts())

    def named(self, ids: NDArray[Any]) -> dict[int, str]:
        """Return the token of each of these ids, which are inside."""
        wanted = np.unique(ids).astype(np.int64)
        return dict(zip(wanted.tolist(), self.tokens.select(wanted).texts(), strict=True))

    def strings(self) -> _core.Strings:
        """Return all tokens as look-ups in a store take them, without making a str of each."""
        if _core.has_surrogate(self.tokens.data):  # which may stand for a byte of a store's token
            return _core.Strings.of_objects(self.texts())
        return _core.Strings.of_packed(self.tokens.data, self.tokens.offsets)


class StoreEntries:
    """The tokens of a store behind the special ones: its arrays, its index, nothing copied."""

    def __init__(self, store: Any, specials: Sequence[str]) -> None:
        self.store = store
        self.specials = tuple(specials)
        self.tokens, index = store.token_arrays()
        unk_row, unk_id = (index.row(specials[1]), 1) if len(specials) > 1 else (-1, -1)
        self.known = _core.KnownTokens(index, len(specials), index.row(PADDING_TOKEN), unk_row, unk_id, escaped=True)

    def __len__(self) -> int:
        return len(self.specials) + len(self.store)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreEntries) and self.specials == other.specials and self.store == other.store

    def texts(self) -> tuple[str, ...]:
        """Return all tokens."""
        return (*self.specials, *self.store.tokens)

    def named(self, ids: NDArray[Any]) -> dict[int, str]:
        """Return the token of each of these ids, which are inside."""
        tokens, front = self.store.tokens, len(self.specials)
        return {i: self.specials[i] if i < front else tokens[i - front] for i in np.unique(ids).tolist()}

    def strings(self) -> _core.Strings:
        """Return all tokens as look-ups in a store take them, without making a str of each: a copy, while it lives."""
        if _core.has_surrogate(packed.pack(self.specials).data):  # which may stand for a byte of a store's token
            return _core.Strings.of_objects(self.texts())
        return _core.Strings.of_packed(*PackedTokens(*self.tokens).behind(self.specials))
