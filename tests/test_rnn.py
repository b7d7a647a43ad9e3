"""RNNClassifier against packed sequences and loops over each text, which are slow and obvious."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402 - after the skip

from glovestore.torch import RNNClassifier  # noqa: E402
from glovestore.torch.pooling import POOLINGS  # noqa: E402

TOKENS, DIM, UNITS, CLASSES = 9, 5, 4, 3
KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
# padding behind, before and between tokens, and alone
IDS = torch.tensor([[1, 2, 3, 4, 5, 6], [7, 8, 0, 0, 0, 0], [0, 0, 1, 2, 0, 3], [0, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0]])


def new(padding_idx: int | None = 0, **options: Any) -> RNNClassifier:
    torch.manual_seed(0)
    return RNNClassifier(nn.Embedding(TOKENS, DIM, padding_idx=padding_idx), CLASSES, units=UNITS, **options).eval()


def packed_rnn(model: RNNClassifier) -> nn.RNNBase:
    """Return torch's own RNN, of all layers and directions at once, with the model's weights."""
    layers, both = len(model.rnn.forwards), len(model.rnn.backwards) > 0
    kind = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}[type(model.rnn.forwards[0]).__name__]
    rnn = kind(DIM, UNITS, layers, batch_first=True, bidirectional=both)
    for layer in range(layers):
        for one_way, suffix in ((model.rnn.forwards, ""), (model.rnn.backwards, "_reverse")):
            for name, weight in one_way[layer].named_parameters() if len(one_way) else ():
                setattr(rnn, name.replace("_l0", f"_l{layer}") + suffix, nn.Parameter(weight.detach()))
    return rnn


def packed_outputs(model: RNNClassifier, text: Tensor, rnn: nn.RNNBase) -> Tensor:
    """Return the outputs (length, size) of a text by torch's own RNN in both directions, on a packed sequence."""
    embedded = model.embedding(text)[None]
    packed = nn.utils.rnn.pack_padded_sequence(embedded, torch.tensor([len(text)]), batch_first=True)
    return nn.utils.rnn.pad_packed_sequence(rnn(packed)[0], batch_first=True)[0][0]


def pooled(model: RNNClassifier, name: str, outputs: Tensor) -> Tensor:
    """Return the pooling of a text's outputs (length, size), token by token."""
    tokens = list(outputs)
    if name == "last":
        return torch.cat([tokens[-1][:UNITS], tokens[0][UNITS:]])
    if name == "mean":
        return sum(tokens) / len(tokens)
    if name == "max":
        return torch.stack(tokens).max(0).values
    first, _, second = model.pooling.attention
    scores = [(second.weight[0] @ torch.tanh(first.weight @ token + first.bias)).exp() for token in tokens]
    return sum(score / sum(scores) * token for score, token in zip(scores, tokens, strict=True))


def reference(model: RNNClassifier, ids: Tensor, rnn: nn.RNNBase | None = None) -> Tensor:
    """Return the logits, a text at a time."""
    rnn, rows = rnn or packed_rnn(model), []
    for row in ids:
        text = row[row != 0].long()
        parts = [torch.zeros(model.pooling.size)]
        if len(text):
            outputs = packed_outputs(model, text, rnn)
            parts = [pooled(model, name, outputs) for name in model.pooling.poolings]
        rows.append(model.linear.weight @ torch.cat(parts) + model.linear.bias)
    return torch.stack(rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
def test_the_same_as_packed_sequences(kind: str, layers: int, both: bool) -> None:
    model = new(rnn=kind, layers=layers, bidirectional=both, pooling=POOLINGS)
    torch.testing.assert_close(model(IDS), reference(model, IDS), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(model(IDS.int()), reference(model, IDS), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("pooling", [*POOLINGS, ("max", "last"), ("attention", "mean")])
@given(data=st.data())
def test_any_ids(pooling: Any, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 6))
    texts = st.lists(st.integers(0, TOKENS - 1), min_size=length, max_size=length)
    ids = torch.tensor(data.draw(st.lists(texts, min_size=1, max_size=4)))
    model = new(pooling=pooling)
    logits = model(ids)
    torch.testing.assert_close(logits, reference(model, ids), atol=1e-6, rtol=1e-6)
    before, behind = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))
    torch.testing.assert_close(model(nn.functional.pad(ids, (before, behind))), logits, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
def test_gradients(kind: str, layers: int, both: bool) -> None:
    """Of every weight, with padding everywhere and a text that is padding alone."""
    options = {"rnn": kind, "layers": layers, "bidirectional": both, "pooling": POOLINGS}
    ours, theirs = new(**options), new(**options)
    ours(IDS).square().sum().backward()
    rnn = packed_rnn(theirs)
    reference(theirs, IDS, rnn).square().sum().backward()
    expected = {name: weight.grad for name, weight in theirs.named_parameters() if not name.startswith("rnn.")}
    for layer in range(layers):
        for way, suffix in (("forwards", ""), ("backwards", "_reverse"))[: 1 + both]:
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                expected[f"rnn.{way}.{layer}.{name}_l0"] = getattr(rnn, f"{name}_l{layer}{suffix}").grad
    found = {name: weight.grad for name, weight in ours.named_parameters()}
    assert set(found) == set(expected)
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-6, rtol=1e-5)
        assert gradient.any(), name
    assert not found["embedding.weight"][0].any()  # padding


def test_without_a_padding_idx_every_id_is_a_token() -> None:
    model = new(padding_idx=None)
    ids = torch.tensor([[1, 2, 0]])
    outputs = packed_outputs(model, ids[0], packed_rnn(model))
    expected = model.linear(torch.cat([pooled(model, "max", outputs), pooled(model, "last", outputs)]))
    torch.testing.assert_close(model(ids)[0], expected, atol=1e-6, rtol=1e-6)


def test_padding_may_have_any_index() -> None:
    model, other = new(), new(padding_idx=8)
    other.load_state_dict(model.state_dict())
    ids = torch.where(IDS == 8, 7, IDS)
    torch.testing.assert_close(other(torch.where(ids == 0, 8, ids)), model(ids), atol=1e-6, rtol=1e-6)


def test_dropout_is_for_training_alone() -> None:
    model = new(layers=2).train()
    assert not torch.equal(model(IDS), model(IDS))
    model.eval()
    assert torch.equal(model(IDS), model(IDS))


def test_state_dict_double_and_copies() -> None:
    model = new(layers=2)
    other = RNNClassifier(nn.Embedding(TOKENS, DIM, padding_idx=0), CLASSES, units=UNITS, layers=2).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(IDS), model(IDS))
    double = copy.deepcopy(model).double()
    assert double(IDS).dtype == torch.float64
    torch.testing.assert_close(double(IDS).float(), model(IDS), atol=1e-5, rtol=1e-5)


def test_mixed_precision() -> None:
    model = new(pooling=POOLINGS)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(IDS)
    torch.testing.assert_close(logits.float(), model(IDS), atol=0.02, rtol=0.02)
    assert logits.dtype == torch.bfloat16


@pytest.mark.filterwarnings("ignore")  # of torch's compiler about itself
def test_compile() -> None:
    model = new(pooling=POOLINGS)
    torch.testing.assert_close(torch.compile(model, backend="aot_eager")(IDS), model(IDS), atol=1e-6, rtol=1e-6)


@pytest.mark.filterwarnings("ignore")  # of torch's exporter about itself
@pytest.mark.parametrize("kind", KINDS)
def test_export_with_any_batch_size(kind: str) -> None:
    model = new(rnn=kind, pooling=POOLINGS)
    exported = torch.export.export(model, (IDS,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    for ids in (IDS, IDS[:2]):
        torch.testing.assert_close(exported(ids), model(ids), atol=1e-6, rtol=1e-6)


ONNX = """
import sys
import numpy as np
import onnxruntime
import test_rnn
import torch

torch.set_num_threads(1)
for kind in ("lstm", "gru"):
    model = test_rnn.new(rnn=kind, pooling=test_rnn.POOLINGS)
    shapes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("length")},)
    torch.onnx.export(model, (test_rnn.IDS,), sys.argv[1], dynamo=True, dynamic_shapes=shapes, verbose=False)
    session = onnxruntime.InferenceSession(sys.argv[1])
    name = session.get_inputs()[0].name
    for ids in (test_rnn.IDS, test_rnn.IDS[:3, :4]):
        found = session.run(None, {name: ids.numpy()})[0]
        np.testing.assert_allclose(found, model(ids).detach().numpy(), atol=1e-5)
    print(kind)
"""


def test_onnx_with_any_batch_size_and_length(tmp_path: Path) -> None:
    """In a process of its own: torch 2.13 keeps the length of an LSTM that was exported after another one."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-W", "ignore", "-c", ONNX, str(tmp_path / "model.onnx")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == ["lstm", "gru"]


def test_attention_weights() -> None:
    model = new(pooling=("attention", "last"))
    mask = torch.arange(4) < torch.tensor([[4], [2], [0]])
    weights = model.attention_weights(torch.randn(3, 4, DIM), mask)
    torch.testing.assert_close(weights.sum(1), torch.tensor([1.0, 1.0, 0.0]))
    assert weights[~mask].eq(0).all()
    assert weights[mask].gt(0).all()
    with pytest.raises(ValueError, match=r'^pooling: expected "attention" to be among them, got max, last$'):
        new().attention_weights(torch.randn(3, 4, DIM), mask)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"rnn": "transformer"}, ValueError, "rnn: expected one of 'lstm', 'gru', 'rnn', got 'transformer'"),
        ({"pooling": "sum"}, ValueError, "pooling: expected 'last', 'mean', 'max', 'attention', or several of them, "),
        ({"pooling": ()}, ValueError, r"each once; got \(\)"),
        ({"pooling": ("max", "max")}, ValueError, r"each once; got \('max', 'max'\)"),
        ({"dropout": 1.0}, ValueError, "dropout: expected a share from 0 up to, but not, 1; got 1.0"),
        ({"rnn": ["lstm"]}, ValueError, r"rnn: expected one of 'lstm', 'gru', 'rnn', got \['lstm'\]"),
        ({"pooling": None}, ValueError, r"each once; got \(None,\)"),
        ({"pooling": [["max"]]}, ValueError, r"each once; got \(\['max'\],\)"),
        ({"dropout": "x"}, ValueError, "dropout: expected a share from 0 up to, but not, 1; got 'x'"),
        ({"dropout": True}, ValueError, "dropout: expected a share from 0 up to, but not, 1; got True"),
        ({"dropout": float("nan")}, ValueError, "dropout: expected a share from 0 up to, but not, 1; got nan"),
        ({"bidirectional": "no"}, ValueError, "bidirectional: expected True or False, got 'no'"),
        ({"bidirectional": 1}, ValueError, "bidirectional: expected True or False, got 1"),
        ({"layers": 0}, ValueError, "layers: expected an integer of at least 1, got 0"),
    ],
)
def test_errors(options: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        new(**options)


def test_embeddings_that_are_none() -> None:
    with pytest.raises(TypeError, match=r"^embedding: expected an nn.Embedding .*, got <class 'numpy.ndarray'>$"):
        RNNClassifier(np.zeros((3, 2)), 2)  # type: ignore[arg-type]
