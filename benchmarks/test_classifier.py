"""One training step of the RNN classifier, and prediction, beside the usual way: packed sequences.

Both have the same weights, give the same logits, and see the same batch: 50 texts whose lengths are spread as in
questions or in news articles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - after the skip

from glovestore.torch import RNNClassifier  # noqa: E402

CLASSES, DIM, TOKENS, BATCH = 8, 100, 5000, 50
LENGTHS = {"questions, 5 to 20 tokens": (5, 20), "articles, 20 to 250 tokens": (20, 250)}


class Packed(nn.Module):
    """What hand-written code does: nn.LSTM in both directions on packed sequences, max and last pooling."""

    def __init__(self, ours: RNNClassifier) -> None:
        super().__init__()
        self.embedding, self.linear = ours.embedding, ours.linear
        units = ours.rnn.forwards[0].hidden_size
        self.rnn = nn.LSTM(DIM, units, batch_first=True, bidirectional=True)
        pairs = [(ours.rnn.forwards[0], "_l0"), (ours.rnn.backwards[0], "_l0_reverse")]
        for one_way, suffix in pairs:
            for name, weight in one_way.named_parameters():
                getattr(self.rnn, name.removesuffix("_l0") + suffix).data.copy_(weight)

    def forward(self, ids: Any) -> Any:
        lengths = (ids != 0).sum(1)
        embedded = self.embedding(ids)
        packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, (last, _) = self.rnn(packed)
        padded, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, padding_value=-torch.inf)
        return self.linear(torch.cat([padded.amax(1), last[0], last[1]], 1))


@pytest.fixture(scope="module")
def ours() -> RNNClassifier:
    torch.manual_seed(0)
    embedding = nn.Embedding(TOKENS, DIM, padding_idx=0)
    return RNNClassifier(embedding, CLASSES, pooling=("max", "last"), dropout=0.0)


@pytest.fixture(params=LENGTHS)
def ids(request: pytest.FixtureRequest) -> tuple[str, Any]:
    """The name of the batch, and its ids (batch, length)."""
    random = np.random.default_rng(0)
    least, most = LENGTHS[request.param]
    lengths = np.sort(random.integers(least, most + 1, BATCH))
    mask = np.arange(lengths.max()) < lengths[:, None]
    return request.param, torch.from_numpy(np.where(mask, random.integers(1, TOKENS, mask.shape), 0))


def training_step(model: Any, ids: Any) -> Callable[[], Any]:
    """Return a function that computes logits, loss and gradients, and returns the logits."""
    labels = torch.arange(len(ids)) % CLASSES

    def step() -> Any:
        model.zero_grad()
        logits = model(ids)
        nn.functional.cross_entropy(logits, labels).backward()
        return logits.detach()

    return step


def prediction(model: Any, ids: Any) -> Callable[[], Any]:
    def predict() -> Any:
        with torch.no_grad():
            return model(ids)

    return predict


@pytest.fixture
def agrees(ours: RNNClassifier, ids: tuple[str, Any]) -> Callable[[Any], None]:
    """A check against the other way to compute the same."""
    with torch.no_grad():
        expected = Packed(ours)(ids[1])
    return lambda logits: torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("work", [training_step, prediction])
def test_rnn_classifier(measure: Measure, ours: Any, ids: Any, agrees: Any, work: Any) -> None:
    measure(task(work, ids), "RNNClassifier", work(ours, ids[1]), agrees, rounds=9, baseline=True)


@pytest.mark.parametrize("work", [training_step, prediction])
def test_packed_sequences(measure: Measure, ours: Any, ids: Any, agrees: Any, work: Any) -> None:
    measure(task(work, ids), "nn.LSTM, packed sequences", work(Packed(ours), ids[1]), agrees, rounds=9)


def task(work: Callable[..., Any], ids: tuple[str, Any]) -> Task:
    name = work.__name__.replace("_", " ")
    return Task(f"{name} of {BATCH} {ids[0]}", float((ids[1] != 0).sum()), "tokens/s")
