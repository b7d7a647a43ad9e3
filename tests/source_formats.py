"""Every format that sources of vectors come in: how a small valid one is written, and what it can hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fasttext_reference
import numpy as np
import pytest
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Tokens = Sequence[bytes]
Write = Callable[[Path, Tokens, Vectors], Any]  # writes into a folder, and returns what to build from


@dataclass(frozen=True)
class SourceFormat:
    """A row of the table.

    report: what BuildReport.format says. writers: by whom it is written, our own code first. options: of `build`.
    files: how many files it consists of. duplicates, empty, any_bytes, spaces: which tokens it can hold.
    cut_shows: whether every file cut off anywhere is an error; text that is cut between lines is not.
    start: bytes at its start that may be something else when they are alone. compressed: whether it may be.
    is_trusted: nobody damages it, as it runs code.
    huge: contents of the file that say that it is huge. stride: of the bytes that are changed, for big files.
    """

    name: str
    report: str
    writers: dict[str, Write]
    options: dict[str, Any] = field(default_factory=dict)
    files: int = 1
    duplicates: bool = True
    empty: bool = True
    any_bytes: bool = True
    spaces: bool = True
    cut_shows: bool = True
    start: int = 0
    compressed: bool = True
    is_trusted: bool = False
    huge: tuple[bytes, ...] = ()
    stride: int = 1

    def write(self, folder: Path, tokens: Tokens, vectors: Any, writer: str = "own") -> Any:
        """Write a source of rows into a folder of its own."""
        folder.mkdir(exist_ok=True)
        return self.writers[writer](folder, tokens, np.asarray(vectors, np.float32))


def numbers(vector: Vectors) -> bytes:
    """Return numbers as text, each the shortest that is read as the same float32."""
    return b" ".join(str(number).encode() for number in vector)


# --- text ------------------------------------------------------------------------------------------------------------


def glove_text(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.txt"
    path.write_bytes(b"".join(b"%s %s\n" % row for row in zip(tokens, map(numbers, vectors), strict=True)))
    return path


def word2vec_text(folder: Path, tokens: Tokens, vectors: Vectors, end: bytes = b"\n") -> Path:
    path = folder / "vectors.txt"
    rows = b"".join(b"%s %s%s" % (*row, end) for row in zip(tokens, map(numbers, vectors), strict=True))
    path.write_bytes(b"%d %d\n" % vectors.shape + rows)
    return path


def fasttext_vec(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    return word2vec_text(folder, tokens, vectors, b" \n")


# --- word2vec --------------------------------------------------------------------------------------------------------


def word2vec_bytes(tokens: Tokens, vectors: Vectors, end: bytes = b"") -> bytes:
    """Return a file as gensim writes it, with nothing behind a row, or as the tool of 2013, with a newline there."""
    rows = (token + b" " + vector.tobytes() + end for token, vector in zip(tokens, vectors, strict=True))
    return b"%d %d\n" % vectors.shape + b"".join(rows)


def word2vec_binary(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.bin"
    path.write_bytes(word2vec_bytes(tokens, vectors))
    return path


def word2vec_tool(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.bin"
    path.write_bytes(word2vec_bytes(tokens, vectors, b"\n"))
    return path


def keyed_vectors(tokens: Tokens, vectors: Vectors) -> Any:
    """Return gensim's object of these rows."""
    models = pytest.importorskip("gensim.models")
    keyed = models.KeyedVectors(vectors.shape[1])
    keyed.add_vectors([token.decode() for token in tokens], vectors)
    return keyed


def gensim_word2vec(folder: Path, tokens: Tokens, vectors: Vectors, binary: bool = True) -> Path:
    path = folder / "vectors.w2v"
    keyed_vectors(tokens, vectors).save_word2vec_format(path, binary=binary)
    return path


# --- tables ----------------------------------------------------------------------------------------------------------


def arrow_table(tokens: Tokens, vectors: Vectors, strings: str = "binary", lists: str = "fixed") -> Any:
    """Return a pyarrow table: tokens as `strings`, vectors as lists of a kind or as columns."""
    pa = pytest.importorskip("pyarrow")
    kinds = {"binary": pa.binary(), "large": pa.large_string(), "dictionary": pa.dictionary(pa.int8(), pa.string())}
    texts = list(tokens) if strings == "binary" else [token.decode() for token in tokens]
    values, dim = pa.array(vectors.ravel()), vectors.shape[1]
    offsets = np.arange(len(tokens) + 1) * dim
    columns = {
        "fixed": lambda: {"vector": pa.FixedSizeListArray.from_arrays(values, dim)},
        "list": lambda: {"vector": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)},
        "large_list": lambda: {"vector": pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values)},
        "columns": lambda: {str(column): vectors[:, column] for column in range(dim)},
    }[lists]()
    return pa.table({"token": pa.array(texts, kinds[strings]), **columns})


def pandas_frame(folder: Path, tokens: Tokens, vectors: Vectors) -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(vectors, index=[token.decode() for token in tokens])


def polars_frame(folder: Path, tokens: Tokens, vectors: Vectors) -> Any:
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"vector": vectors, "token": [token.decode() for token in tokens]})


def parquet(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    written = pytest.importorskip("pyarrow.parquet")
    path = folder / "vectors.parquet"
    written.write_table(arrow_table(tokens, vectors), path, write_page_checksum=True, row_group_size=3)
    return path


def polars_parquet(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.parquet"
    polars_frame(folder, tokens, vectors).write_parquet(path)
    return path


def pandas_parquet(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.parquet"
    frame = pandas_frame(folder, tokens, vectors)
    frame.set_axis([f"d{column}" for column in frame.columns], axis=1).to_parquet(path)
    return path


def feather(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    written = pytest.importorskip("pyarrow.feather")
    path = folder / "vectors.feather"
    written.write_feather(arrow_table(tokens, vectors), path, compression="uncompressed", chunksize=3)
    return path


def polars_ipc(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.arrow"
    polars_frame(folder, tokens, vectors).write_ipc(path, compression="lz4")
    return path


# --- matrices with their tokens elsewhere ----------------------------------------------------------------------------


def fasttext_model(folder: Path, tokens: Tokens, vectors: Vectors, version: int = 12) -> Path:
    """Write a model without n-grams: its words' vectors are their own rows."""
    model = fasttext_reference.Model(words=list(tokens), matrix=vectors, minn=0, maxn=0, bucket=0, version=version)
    path = folder / "vectors.bin"
    path.write_bytes(fasttext_reference.write(model))
    return path


def fasttext_huge() -> Iterator[bytes]:
    """Yield models of one word that say to have many words, many buckets, or long rows."""
    model = fasttext_reference.Model(
        words=[b"a"], matrix=np.zeros((1, 2), np.float32), minn=0, maxn=0, bucket=0, version=12
    )
    data = fasttext_reference.write(model)
    for place, number in ((8, 2**31 - 1), (8, 65_536), (8 + 4 * 8, 2**31 - 1), (64, 2**31 - 1), (68, 2**31 - 1)):
        yield data[:place] + number.to_bytes(4, "little") + data[place + 4 :]


def npy(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.npy"
    np.save(path, vectors, allow_pickle=False)
    (folder / "vectors.tokens.txt").write_bytes(b"".join(token + b"\n" for token in tokens))
    return path


def npy_json(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.npy"
    np.save(path, np.asfortranarray(vectors.astype(">f8")), allow_pickle=False)
    (folder / "vectors.json").write_text(json.dumps([token.decode() for token in tokens]))
    return path


def npy_mapping(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.npy"
    np.save(path, vectors, allow_pickle=False)
    (folder / "vectors.json").write_text(json.dumps({token.decode(): row for row, token in enumerate(tokens)}))
    return path


def tokenizer_json(tokens: Tokens, kind: str = "WordLevel") -> str:
    """Return what Hugging Face's tokenizers save, but for what is not looked at; the last token is an added one."""
    texts = [token.decode() for token in tokens]
    vocab: Any = {token: row for row, token in enumerate(texts[:-1])}
    if kind == "Unigram":
        vocab = [[token, -1.0] for token in texts[:-1]]
    added = [{"id": len(tokens) - 1, "content": texts[-1], "special": True}]
    return json.dumps({"version": "1.0", "added_tokens": added, "model": {"type": kind, "vocab": vocab}})


def safetensors_bytes(arrays: dict[str, tuple[str, NDArray[Any]]]) -> bytes:
    """Return a file of tensors of a dtype, written by hand."""
    header: dict[str, Any] = {}
    data = b""
    for name, (dtype, array) in arrays.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def safetensors_folder(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    (folder / "model.safetensors").write_bytes(safetensors_bytes({"embedding.weight": ("F32", vectors)}))
    (folder / "tokenizer.json").write_text(tokenizer_json(tokens))
    return folder


def safetensors_file(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    written = pytest.importorskip("safetensors.numpy")
    path = folder / "x.safetensors"
    written.save_file({"vectors": vectors.astype(np.float64), "other": np.eye(2), "more": np.eye(3)}, path)
    (folder / "vocab.txt").write_bytes(b"\r\n".join(tokens))
    return path


def static_embedding(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    modules = pytest.importorskip("sentence_transformers.models")
    tokenizers = pytest.importorskip("tokenizers")
    vocab = {token.decode(): row for row, token in enumerate(tokens)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, unk_token="<unk>"))
    modules.StaticEmbedding(tokenizer, embedding_weights=vectors).save(str(folder))
    return folder


# --- gensim and spaCy ------------------------------------------------------------------------------------------------


def gensim_save(folder: Path, tokens: Tokens, vectors: Vectors, **options: Any) -> Path:
    path = folder / "vectors.kv"
    keyed_vectors(tokens, vectors).save(str(path), **options)
    return path


def gensim_model(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    models = pytest.importorskip("gensim.models")
    model = models.Word2Vec(vector_size=vectors.shape[1])
    model.wv = keyed_vectors(tokens, vectors)
    for key in model.wv.index_to_key:
        model.wv.set_vecattr(key, "count", 1)
    model.save(str(folder / "word2vec.model"))
    return folder / "word2vec.model"


def spacy_vocab(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    spacy_vocab = pytest.importorskip("spacy.vocab")
    vocab = spacy_vocab.Vocab()
    for token, vector in zip(tokens, vectors, strict=True):
        vocab.set_vector(token.decode(), vector)
    vocab.strings.add("a string without a vector")
    vocab.to_disk(folder, exclude=["lookups"])
    return folder


FORMATS = (
    SourceFormat("glove text", "text", {"own": glove_text}, cut_shows=False),
    SourceFormat(
        "word2vec text",
        "text",
        {"own": word2vec_text, "gensim": lambda *args: gensim_word2vec(*args, binary=False)},
        cut_shows=False,
        huge=(b"2 999999999999999999\na 1 2\n", b"999999999999999999 2\na 1 2\n", b"1 99999999\na 1 2\n"),
    ),
    SourceFormat("fasttext .vec", "text", {"own": fasttext_vec}, cut_shows=False),
    SourceFormat(
        "word2vec",
        "word2vec",
        {"own": word2vec_binary, "the tool": word2vec_tool, "gensim": gensim_word2vec},
        spaces=False,
        start=len(b"4 3\n") + 1,  # before: text, one row of one number
        huge=tuple(
            header + b"\na \0\0\0\0\0\0\0\0b \0\0\0\0\0\0\0\0"
            for header in (
                b"2 999999999999999999",
                b"999999999999999999 2",
                b"2 4194304",
                b"2 4194305",
                b"2 1073741824",
                b"999999999999999999 999999999999999999",
            )
        ),
    ),
    SourceFormat(
        "fasttext",
        "fasttext",
        {"own": fasttext_model, "version 11": lambda *args: fasttext_model(*args, version=11)},
        huge=tuple(fasttext_huge()),
    ),
    SourceFormat(
        "npy",
        "npy",
        {"own": npy, "JSON": npy_json, "a mapping": npy_mapping},
        files=2,
        cut_shows=False,  # a token may be cut
    ),
    SourceFormat(
        "safetensors",
        "safetensors",
        {"own": safetensors_folder, "a file": safetensors_file, "sentence-transformers": static_embedding},
        files=2,
        duplicates=False,
        any_bytes=False,
        cut_shows=False,  # spaces behind JSON
    ),
    SourceFormat(
        "gensim",
        "gensim",
        {
            "own": gensim_save,
            "arrays of their own": lambda *rows: gensim_save(*rows, sep_limit=0),
            "a model": gensim_model,
        },
        {"format": "gensim"},
        duplicates=False,
        any_bytes=False,
        compressed=False,
        is_trusted=True,
    ),
    SourceFormat(
        "spacy",
        "spacy",
        {"own": spacy_vocab},
        files=4,
        duplicates=False,
        any_bytes=False,
        empty=False,
        cut_shows=False,  # rows of its own that have no token
        stride=5,
    ),
    SourceFormat(
        "pairs",
        "pairs",
        {
            "own": lambda folder, *rows: list(zip(*rows, strict=True)),
            "generator": lambda folder, *rows: zip(*rows, strict=True),
            "lists": lambda folder, tokens, vectors: list(zip(tokens, vectors.tolist(), strict=True)),
        },
        files=0,
    ),
    SourceFormat(
        "dict", "pairs", {"own": lambda folder, *rows: dict(zip(*rows, strict=True))}, files=0, duplicates=False
    ),
    SourceFormat(
        "keyed vectors",
        "keyed_vectors",
        {"own": lambda folder, *rows: keyed_vectors(*rows)},
        files=0,
        duplicates=False,
        any_bytes=False,
    ),
    SourceFormat(
        "arrow table",
        "table",
        {
            "own": lambda folder, *rows: arrow_table(*rows),
            **{
                f"{strings}, {lists}": lambda folder, *rows, kind=(strings, lists): arrow_table(*rows, *kind)
                for strings in ("large", "dictionary")
                for lists in ("columns", "list", "large_list")
            },
        },
        files=0,
    ),
    SourceFormat("pandas and polars", "table", {"own": pandas_frame, "polars": polars_frame}, files=0, any_bytes=False),
    SourceFormat(
        "parquet",
        "parquet",
        {"own": parquet, "polars": polars_parquet, "pandas": pandas_parquet},
        compressed=False,
        start=5,
        stride=11,
    ),
    SourceFormat("arrow", "arrow", {"own": feather, "polars": polars_ipc}, compressed=False, start=8, stride=11),
)
