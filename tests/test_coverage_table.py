"""The table that `make coverage` prints, of reports that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import coverage_table
import pytest


def python_file(lines: tuple[int, int], branches: tuple[int, int], **missing: Any) -> dict[str, Any]:
    names = ("covered_lines", "num_statements", "covered_branches", "num_branches")
    summary = dict(zip(names, (*lines, *branches), strict=True))
    return {"summary": summary, "missing_lines": [], "missing_branches": [], **missing}


PYTHON = {
    "glovestore/whole.py": python_file((10, 10), (2, 2)),
    "glovestore/holes.py": python_file((85, 90), (3, 4), missing_lines=[3, 4, 5, 9, 11], missing_branches=[[7, -1]]),
}
# A template's line 2 has two instances, one of which never ran.
# It stands in a header, of which a copy was compiled as well.
NATIVE = [
    {"file": "ext/x.hpp", "lines": [(1, 0), (2, 0), (2, 1), (3, 0)]},
    {"file": "build-coverage/cython/ext/x.hpp", "lines": [(1, 5), (3, 0)]},
]


@pytest.fixture
def reports(tmp_path: Path) -> list[str]:
    lines = [
        {**file, "lines": [{"line_number": number, "count": count} for number, count in file["lines"]]}
        for file in NATIVE
    ]
    (tmp_path / "python.json").write_text(json.dumps({"files": PYTHON}))
    (tmp_path / "native.json").write_text(json.dumps({"files": lines}))
    return [str(tmp_path / "python.json"), str(tmp_path / "native.json")]


def test_the_table(reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage_table.main([*reports, "--least", "66.6"]) == 0
    assert capsys.readouterr().out == (
        "file                   lines  branches  not run, or not in each direction\n"
        "glovestore/holes.py  94.44 %   75.00 %  3-5, 7, 9, 11\n"
        "ext/x.hpp            66.67 %            3\n"
        "the package, Python  95.00 %   83.33 %\n"
        "the core, C++        66.67 %\n"
    )


@pytest.mark.parametrize(("least", "lowest"), [("66.7", "66.67"), ("95", "66.67")])
def test_too_little(reports: list[str], capsys: pytest.CaptureFixture[str], least: str, lowest: str) -> None:
    assert coverage_table.main([*reports, "--least", least]) == 1
    assert capsys.readouterr().err == f"expected at least {least} %, got {lowest} %\n"


def test_branches_count_too(reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Lines are enough everywhere, branches are not."""
    native = {"files": [{"file": "ext/x.cpp", "lines": [{"line_number": 1, "count": 1}]}]}
    Path(reports[1]).write_text(json.dumps(native))
    assert coverage_table.main([*reports, "--least", "95"]) == 1
    assert capsys.readouterr().err == "expected at least 95 %, got 83.33 %\n"


def test_nothing_measured_is_too_little(reports: list[str]) -> None:
    Path(reports[1]).write_text(json.dumps({"files": []}))
    with pytest.raises(SystemExit, match="expected counts of the native core, got none"):
        coverage_table.main([*reports, "--least", "0"])
