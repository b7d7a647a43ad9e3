"""The rules of the Keras Tokenizer and `pad_sequences`, a character and a list at a time: slow, obvious, on its own."""

from __future__ import annotations

SEPARATORS = ' !"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def tokens_of(text):
    tokens = [""]
    for character in text.lower():
        if character in SEPARATORS:
            tokens.append("")
        else:
            tokens[-1] += character
    return [token for token in tokens if token != ""]


def ranked(token_lists):
    """Every token once with its count: the most frequent first, of equals the first seen."""
    all_tokens = [token for tokens in token_lists for token in tokens]
    distinct = []
    for token in all_tokens:
        if token not in distinct:
            distinct.append(token)
    keys = {token: (-all_tokens.count(token), all_tokens.index(token)) for token in distinct}
    return [(token, -keys[token][0]) for token in sorted(distinct, key=keys.__getitem__)]


def word_index(token_lists, oov_token=None):
    """Keras' `word_index`: from 1 on, the oov token first."""
    names = [] if oov_token is None else [oov_token]
    names += [token for token, _ in ranked(token_lists)]
    return {name: index for index, name in enumerate(names, 1)}


def sequences(token_lists, index, oov_token=None):
    result = []
    for tokens in token_lists:
        ids = []
        for token in tokens:
            if token in index:
                ids.append(index[token])
            elif oov_token is not None:
                ids.append(index[oov_token])
        result.append(ids)
    return result


def pad_sequences(rows, maxlen, padding, truncating):
    result = []
    for row in rows:
        while maxlen is not None and len(row) > maxlen:
            row = row[1:] if truncating == "pre" else row[:-1]
        while len(row) < (max(map(len, rows)) if maxlen is None else maxlen):
            row = [0, *row] if padding == "pre" else [*row, 0]
        result.append(row)
    return result
