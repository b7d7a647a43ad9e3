"""`glovestore.torch.embedding` on real stores: the right weights, nobody else's memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glovestore
from glovestore.errors import CoverageWarning

torch = pytest.importorskip("torch")

import glovestore.torch as gt  # noqa: E402 - after the skip

DIM = 4
TOKENS = ["the", "of", "cat", "sat", "on", "mat", "<unk>", "<pad>", "we", "fi"]
ROWS = {token: np.arange(DIM, dtype=np.float32) / 4 + row - 3.5 for row, token in enumerate(TOKENS)}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torch")
    lines = [f"{token} {' '.join(str(x) for x in row.tolist())}\n" for token, row in ROWS.items()]
    (folder / "glove.txt").write_bytes("".join(lines).encode())
    glovestore.build(folder / "glove.txt", folder / "glove.h5")
    return folder / "glove.h5"


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[Any]:
    with_bytes = path.read_bytes()
    store = glovestore.open(path)
    yield store
    store.close()
    assert path.read_bytes() == with_bytes  # whatever was trained in these tests


def train(module: Any, ids: list[int]) -> None:
    """Take one step that moves each weight of these rows by 1."""
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(torch.tensor(ids)).sum().backward()
    optimizer.step()


# A vocabulary


@given(st.lists(st.sampled_from([*TOKENS, "THE", "\ufb01", "zzz"]), max_size=8), st.booleans())
def test_embedding_equals_the_loop(store: Any, tokens: list[str], lower: bool) -> None:
    padding = tokens.index("<pad>") if "<pad>" in tokens else None
    oov = np.full(DIM, 9, np.float32)
    expected = np.zeros((len(tokens), DIM), np.float32)
    for i, token in enumerate(tokens):
        if i != padding:
            spelling = token.lower() if lower and token not in ROWS else token
            expected[i] = ROWS.get(spelling, oov)
    vocab = [*tokens, *TOKENS[:7], *TOKENS[8:]]  # enough known tokens for no warning
    module = gt.embedding(store, vocab, oov=oov, fallbacks=["lower"] if lower else [])
    np.testing.assert_array_equal(module(torch.arange(len(tokens))).numpy(), expected)
    assert module.padding_idx == padding


@pytest.mark.parametrize(
    "oov", ["zeros", "mean", "normal", "unk", [1.0, 2.0, 3.0, 4.0], lambda token: [len(token)] * DIM]
)
def test_weights_are_those_of_the_stores_matrix(store: Any, oov: Any) -> None:
    vocab = {"the": 1, "zzz": 2, "THE": 3, "cat": 5, "of": 6}
    module = gt.embedding(store, vocab, oov=oov, fallbacks=["lower"])
    m = store.matrix(vocab, oov=oov, fallbacks=["lower"])
    np.testing.assert_array_equal(module.weight.numpy(), m.array)
    assert (module.num_embeddings, module.embedding_dim, module.padding_idx) == (7, DIM, 0)
    assert module.weight.dtype == torch.float32
    assert not module.weight.requires_grad


def test_texts_to_vectors_as_in_the_tutorial(store: Any) -> None:
    texts = ["The cat sat on mat", "we of the mat"]
    vocab = glovestore.Vocabulary.fit(texts, unk_token=None)
    module = gt.embedding(store, vocab)
    assert repr(module) == "Embedding(8, 4, padding_idx=0)"
    output = module(torch.from_numpy(vocab.encode(texts)))
    assert output.shape == torch.Size([2, 5, DIM])
    zeros = np.zeros(DIM, np.float32)
    words = [["the", "cat", "sat", "on", "mat"], ["we", "of", "the", "mat", None]]
    np.testing.assert_array_equal(output.numpy(), [[ROWS.get(word, zeros) for word in text] for text in words])


def test_training_moves_tokens_and_not_padding(store: Any) -> None:
    module = gt.embedding(store, ["<pad>", "the", "of"], freeze=False)
    assert module.weight.requires_grad
    train(module, [0, 1, 1, 0])
    expected = [np.zeros(DIM), ROWS["the"] - 2, ROWS["of"]]
    np.testing.assert_array_equal(module.weight.detach().numpy(), expected)


def test_missing_tokens_of_error_and_bad_arguments_come_from_matrix(store: Any) -> None:
    with pytest.raises(KeyError, match="zzz"):
        gt.embedding(store, ["the", "zzz"], oov="error")
    with pytest.raises(ValueError, match="oov: expected one of"):
        gt.embedding(store, ["the"], oov="no")
    with pytest.raises(TypeError, match="vocab: expected"):
        gt.embedding(store, "the")


def test_coverage_warnings_point_at_the_user(store: Any) -> None:
    for make in (store.matrix, lambda vocab: gt.embedding(store, vocab)):
        with pytest.warns(CoverageWarning, match="'lower' would find 2 of the missing") as caught:
            make(["the", "THE", "OF", "zzz"])
        assert [w.filename for w in caught] == [__file__]


# A finished matrix


def test_a_finished_matrix_is_taken_as_it_is_and_copied(store: Any) -> None:
    m = store.matrix(["<pad>", "the", "zzz"], oov="mean", dtype=np.float16)
    before = m.array.copy()
    module = gt.embedding(store, m, freeze=False)
    np.testing.assert_array_equal(module.weight.detach().numpy(), before, strict=True)
    assert module.padding_idx == 0
    train(module, [1])
    np.testing.assert_array_equal(m.array, before)


def test_torch_takes_a_matrix_without_a_copy(store: Any) -> None:
    m = store.matrix(["the", "of"])
    for tensor in (torch.from_dlpack(m), torch.as_tensor(m.array)):
        assert tensor.data_ptr() == m.array.ctypes.data
        np.testing.assert_array_equal(tensor.numpy(), m.array)


def test_policies_and_dims_must_fit_a_finished_matrix(store: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected only with a vocabulary, got them with a finished matrix"):
        gt.embedding(store, store.matrix(["the"]), oov="mean")
    (tmp_path / "two.txt").write_text("the 1 2\nof 3 4\n")
    glovestore.build(tmp_path / "two.txt", tmp_path / "two.h5")
    with pytest.raises(ValueError, match="dim 4, the store's; got dim 2"):
        gt.embedding(store, glovestore.open(tmp_path / "two.h5").matrix(["the"]))


# The whole store


def test_whole_store_is_a_map_and_no_copy(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = []
    original = type(store).vectors_copy_on_write

    def remember(self: Any) -> np.ndarray:
        maps.append(original(self))
        return maps[-1]

    monkeypatch.setattr(type(store), "vectors_copy_on_write", remember)
    module = gt.embedding(store)
    assert [array.ctypes.data for array in maps] == [module.weight.data_ptr()]
    np.testing.assert_array_equal(module.weight.numpy(), store.vectors)
    assert module.padding_idx is None
    np.testing.assert_array_equal(module(torch.from_numpy(store.rows(["cat"])))[0].numpy(), ROWS["cat"])


def test_training_the_whole_store_changes_nothing_but_the_module(store: Any, path: Path) -> None:
    before = path.read_bytes()
    module, other = gt.embedding(store, freeze=False), gt.embedding(store)
    train(module, [0, 2, 2])
    expected = np.stack(list(ROWS.values()))
    np.testing.assert_array_equal(store.vectors, expected)
    np.testing.assert_array_equal(other.weight.numpy(), expected)
    expected[0] -= 1
    expected[2] -= 2
    np.testing.assert_array_equal(module.weight.detach().numpy(), expected)
    assert path.read_bytes() == before
    with glovestore.open(path) as again:
        again.verify()


def test_the_module_outlives_the_store(path: Path) -> None:
    store = glovestore.open(path)
    module = gt.embedding(store)
    store.close()
    del store
    np.testing.assert_array_equal(module.weight.numpy(), np.stack(list(ROWS.values())))


@pytest.mark.parametrize("options", [{"oov": "mean"}, {"fallbacks": ["lower"]}, {"oov": np.zeros(DIM)}])
def test_policies_need_a_vocabulary(store: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected only with a vocabulary, got them with the whole store"):
        gt.embedding(store, **options)


# padding_idx, dtype, device


@pytest.mark.parametrize("vocab", [None, ["the", "of", "cat"]])
@pytest.mark.parametrize("index", [2, np.int64(2)])
def test_an_explicit_padding_row_is_zero_and_learns_nothing(store: Any, vocab: Any, index: int) -> None:
    module = gt.embedding(store, vocab, padding_idx=index, freeze=False)
    assert module.padding_idx == 2
    train(module, [1, 2])
    weight = module.weight.detach().numpy()
    np.testing.assert_array_equal(weight[:3], [ROWS["the"], ROWS["of"] - 1, np.zeros(DIM)])
    np.testing.assert_array_equal(store.vectors[2], ROWS["cat"])


def test_padding_idx_none_lets_the_padding_row_learn(store: Any) -> None:
    module = gt.embedding(store, ["<pad>", "the"], padding_idx=None, freeze=False)
    assert module.padding_idx is None
    train(module, [0])
    np.testing.assert_array_equal(module.weight.detach().numpy(), [np.full(DIM, -1), ROWS["the"]])


@pytest.mark.parametrize("index", [3, -1, 10**9])
def test_padding_idx_must_be_a_row(store: Any, index: int) -> None:
    with pytest.raises(ValueError, match=f"padding_idx: expected a row from 0 to 2, got {index}"):
        gt.embedding(store, ["the", "of", "cat"], padding_idx=index)


@pytest.mark.parametrize("index", [True, 1.0, "first"])
def test_padding_idx_must_be_an_index(store: Any, index: Any) -> None:
    with pytest.raises(TypeError, match='padding_idx: expected "auto", an int or None, got'):
        gt.embedding(store, ["the", "of", "cat"], padding_idx=index)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("vocab", [None, ["the", "of", "zzz"]])
def test_dtypes(store: Any, vocab: Any, dtype: Any) -> None:
    module = gt.embedding(store, vocab, oov="zeros" if vocab is None else "mean", dtype=dtype)
    expected = store.vectors if vocab is None else store.matrix(vocab, oov="mean").array
    assert module.weight.dtype == dtype
    assert torch.equal(module.weight, torch.tensor(expected.tolist(), dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64, "float32", np.float32])
def test_dtype_must_be_floating(store: Any, dtype: Any) -> None:
    with pytest.raises(TypeError, match="dtype: expected a floating dtype of torch, got"):
        gt.embedding(store, ["the"], dtype=dtype)


@pytest.mark.parametrize("vocab", [None, ["the", "of"]])
def test_device(store: Any, vocab: Any) -> None:
    assert gt.embedding(store, vocab, device="cpu").weight.device == torch.device("cpu")
    assert gt.embedding(store, vocab, device=torch.device("meta")).weight.device.type == "meta"


def test_store_must_be_a_store(path: Path) -> None:
    with pytest.raises(TypeError, match="store: expected an open EmbeddingStore, got str"):
        gt.embedding(str(path))


@pytest.mark.parametrize("vocab", [None, ["the"]])
def test_a_closed_store_is_refused(path: Path, vocab: Any) -> None:
    store = glovestore.open(path)
    store.close()
    with pytest.raises(ValueError, match="expected an open store, got one that was closed"):
        gt.embedding(store, vocab)


# Modules among modules


def test_state_dict_goes_into_a_plain_embedding(store: Any) -> None:
    for module in (gt.embedding(store), gt.embedding(store, ["<pad>", "the"])):
        plain = torch.nn.Embedding(*module.weight.shape)
        plain.load_state_dict(module.state_dict())
        assert torch.equal(plain.weight, module.weight)


def test_without_torch_the_error_names_the_extra() -> None:
    code = """if True:
        import sys
        sys.modules["torch"] = None
        import glovestore
        try:
            import glovestore.torch
        except ImportError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == 'glovestore.torch needs PyTorch: pip install "glovestore[torch]"\n'
