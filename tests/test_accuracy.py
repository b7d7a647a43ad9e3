"""The table of what float16 and int8 cost, on a small file, and on the real one where that is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

import accuracy
from scipy.stats import rankdata

REAL = Path.home() / ".cache" / "glovestore-data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "wordsim353.tsv").write_text("# comment\na\tb\t1.5\nA\tc\t9\nb\tabsent\t3\nd\tc\t2\nb\td\t4\n")
    (tmp_path / "simlex999.txt").write_text("#\na\tc\t1\nb\tc\t2\nc\td\t0.5\n")
    random = np.random.default_rng(0)
    rows = (f"{token} " + " ".join(f"{x:.5f}" for x in random.normal(size=30)) for token in ("a", "b", "c", "d"))
    more = (f"t{i} " + " ".join(f"{x:.5f}" for x in random.normal(size=30)) for i in range(200))
    (tmp_path / "vectors.txt").write_text("\n".join([*rows, *more]) + "\n")
    return tmp_path


def test_the_table(data: Path, capsys: pytest.CaptureFixture[str]):
    accuracy.main([str(data / "vectors.txt"), "--data", str(data)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["dtype", *accuracy.DTYPES]
    assert "WordSim-353 (4 of 5 pairs)" in lines[0]
    assert "SimLex-999 (3 of 3 pairs)" in lines[0]


def test_the_numbers(data: Path, capsys: pytest.CaptureFixture[str]):
    accuracy.main([str(data / "vectors.txt"), "--data", str(data), "--json"])
    plain, half, small = json.loads(capsys.readouterr().out)
    assert (plain["overlap"], plain["largest_error"]) == (1, 0)
    assert plain["vector_bytes"] == 2 * half["vector_bytes"] == 204 * 30 * 4
    assert small["vector_bytes"] == 204 * 34
    assert 0 < half["largest_error"] <= 2**-11
    assert half["largest_error"] < small["largest_error"] <= 0.5001 / 127
    assert half["overlap"] > 0.99
    assert small["overlap"] > 0.9
    lines = (data / "vectors.txt").read_text().splitlines()
    vectors = {line.split()[0]: np.array(line.split()[1:], float) for line in lines}
    pairs = [("a", "b", 1.5), ("a", "c", 9), ("d", "c", 2), ("b", "d", 4)]
    cosines = [
        vectors[x] @ vectors[y] / np.sqrt((vectors[x] @ vectors[x]) * (vectors[y] @ vectors[y])) for x, y, _ in pairs
    ]
    expected = np.corrcoef(rankdata(cosines), rankdata([score for *_, score in pairs]))[0, 1]
    for one in (plain, half, small):
        assert one["spearman"]["WordSim-353"] == pytest.approx(expected)


@pytest.mark.skipif(not (REAL / "glove.6B.100d.txt").exists(), reason="the real data is not here")
def test_the_real_vectors_lose_next_to_nothing(capsys: pytest.CaptureFixture[str]):
    accuracy.main([str(REAL / "glove.6B.100d.txt"), "--data", str(REAL), "--json"])
    plain, half, small = json.loads(capsys.readouterr().out)
    for name, value in plain["spearman"].items():
        assert half["spearman"][name] == pytest.approx(value, abs=0.0005)
        assert small["spearman"][name] == pytest.approx(value, abs=0.002)
    assert half["overlap"] > 0.999
    assert small["overlap"] > 0.95
