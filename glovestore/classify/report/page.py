"""The page itself: the sections, put through the templates into one file."""

from __future__ import annotations

import base64
import functools
import hashlib
import math
import os
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from glovestore.arguments import whole_number
from glovestore.classify.evaluation import Evaluation, label_text
from glovestore.classify.report import confusion, curves, sections
from glovestore.format.header import CHECKSUM_AT, looks_like_store
from glovestore.replacing import ReplacingFile

LONGEST_LABEL = 60  # characters
TEMPLATES = "classify/report/templates"
MARK = (  # how every report starts
    b'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    b'<meta name="generator" content="glovestore report '
)

# Texts are hostile: a NUL or another control character breaks a parser's rules, a lone surrogate has no UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def write_report(
    path: str | os.PathLike[str],
    *,
    classifier: Any,
    evaluation: Evaluation,
    title: str = "Text classifier",
    mistakes: int = 25,
    overwrite: bool = False,
) -> None:
    """Write a page about a classifier and its evaluation to `path`: one HTML file, which appears whole or not at all.

    An earlier report is replaced. Any other existing file is a FileExistsError, unless `overwrite` allows it; a store
    is never replaced. See `render_report` for the rest.
    """
    page = render_report(classifier=classifier, evaluation=evaluation, title=title, mistakes=mistakes)
    with ReplacingFile(Path(path), lambda target: _check_replaced(target, overwrite)) as file:
        file.write(page.encode("utf-8"), 0)
        file.commit()


def render_report(
    *, classifier: Any, evaluation: Evaluation, title: str = "Text classifier", mistakes: int = 25
) -> str:
    """Return the page about a classifier and its evaluation.

    It shows scores, settings, learning curves, the confusion matrix, coverage, and the `mistakes` texts that the
    classifier was wrong about and most sure of. Of the classifier's attributes `history_`, `best_epoch_`,
    `interrupted_`, `coverage_`, `vocabulary_`, `get_params` and `attention` none has to be there: a section without
    its attribute says so. The page loads nothing and runs no script, and its texts and labels are escaped.
    """
    most = whole_number("mistakes", mistakes, least=0)
    style = _template_text("report.css")
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            title=title,
            version=version("glovestore"),
            style=style,
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
            **_content(classifier, evaluation, most),
        )
    )


def _content(classifier: Any, evaluation: Evaluation, most: int) -> dict[str, Any]:
    labels = confusion.short_labels(list(map(label_text, evaluation.classes.tolist())), LONGEST_LABEL)
    columns, epochs = sections.epochs(classifier)
    return {
        "facts": sections.facts(classifier, evaluation, labels),
        "settings": sections.settings(classifier),
        "interrupted": sections.was_interrupted(classifier),
        "charts": curves.charts(sections.history(classifier), sections.best_epoch(classifier)),
        "history_columns": columns,
        "epochs": epochs,
        "scores": list(zip(labels, evaluation.per_class(), strict=True)),
        "evaluation": evaluation,
        "matrix": confusion.matrix(evaluation.confusion, labels),
        "pairs": confusion.confused_pairs(evaluation.confusion, labels),
        "coverage": sections.coverage(classifier),
        "mistakes": sections.mistakes(classifier, evaluation, labels, most),
        "wrong": len(evaluation) - evaluation.correct,
    }


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "whole": _whole}
    environment.globals |= {"curves": curves, "SHADES": confusion.SHADES}
    return environment


def _template_text(name: str) -> str:
    return files("glovestore").joinpath(f"{TEMPLATES}/{name}").read_text(encoding="utf-8")


def _clean(value: Any) -> Any:
    """Replace what HTML cannot hold, wherever a template puts in a string."""
    return _UNPRINTABLE.sub("\ufffd", value) if type(value) is str else value


def _number(value: float | None) -> str:
    """Return a score, a loss or a probability; what is missing is a dash."""
    if value is None:
        return "\N{EN DASH}"
    return f"{value:.3f}" if math.isfinite(value) and abs(value) < 1e6 else f"{value:.4g}"


def _whole(value: int) -> str:
    return f"{value:,}"


def _check_replaced(target: Path, overwrite: bool) -> None:
    with open(target, "rb") as existing:
        start = existing.read(max(CHECKSUM_AT, len(MARK)))
    if looks_like_store(start):
        raise FileExistsError(f"{target}: expected a new file or an earlier report, got a store: it stays")
    if start[: len(MARK)] != MARK and not overwrite:
        expected = "expected a new file or an earlier report"
        raise FileExistsError(f"{target}: {expected}, got another file; write with overwrite=True to replace it")
