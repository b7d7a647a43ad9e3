"""`glovestore predict` and `glovestore evaluate`: what a saved classifier says, and how often it is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from glovestore.display import visible
from glovestore.labelled import read_texts
from glovestore.shell import tables, terminal
from glovestore.shell.text_options import (
    encoding_option,
    format_option,
    header_option,
    labelled_options,
    positions_as_lines,
    read,
    text_option,
)
from glovestore.shell.training import check_report_target, file_path, write_page

if TYPE_CHECKING:
    from glovestore.classify import TextClassifier

BATCH = 1024  # texts that are predicted at a time, if there are so many

model_argument = click.argument("model", metavar="MODEL", type=file_path)
store_option = click.option("--store", "store_path", metavar="STORE",
                            help="The vectors that MODEL was trained with; default: where they were.")  # fmt: skip
device_option = click.option("--device", help="Where to compute: cpu, cuda, ...; default: a GPU if there is one.")


@click.command()
@model_argument
@click.argument("path", metavar="[TEXTS]", type=file_path, default="-")
@store_option
@click.option("-k", "--top", default=1, show_default=True, type=click.IntRange(min=1), help="How many labels a text.")
@format_option(labelled=False)
@text_option
@header_option
@encoding_option
@device_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a line, one for each text.")
def predict(
    model: Path, path: Path, store_path: str | None, top: int, device: str | None, as_json: bool, **options: Any
) -> None:
    """Print the label of each text, and its probability.

    A line for each text, in the order of TEXTS, as soon as it is there. TEXTS has a text a line, an empty one too, or
    is TSV, CSV or JSON lines by the end of its name or --format; without it, or for -, it is standard input.

    \b
      glovestore predict model texts.txt
      echo "How far is it ?" | glovestore predict model
      glovestore predict model test.tsv --top 3 --json
    """
    with terminal.about_arguments(), terminal.warnings_as_messages():
        classifier = load(model, store_path, device)
    with terminal.about_arguments(), terminal.warnings_as_messages():
        for texts in read_texts(path, batch=BATCH, **options):
            for labels in best_labels(classifier, texts, top):
                terminal.print_text(_json_line(labels, top) if as_json else _line(labels))


@click.command()
@model_argument
@click.argument("path", metavar="TEST", type=file_path)
@store_option
@click.option("--report", metavar="FILE", type=file_path, help="Write a page about the model, in HTML.")
@click.option("--overwrite", is_flag=True, help="Let --report replace a file that is no report.")
@labelled_options
@device_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def evaluate(
    model: Path,
    path: Path,
    store_path: str | None,
    report: Path | None,
    overwrite: bool,
    device: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure a classifier on labelled texts.

    Prints precision, recall and F1 of each label. TEST is as TRAIN is for `train`.

    \b
      glovestore evaluate model test.tsv
      glovestore evaluate model test.tsv --report page.html
    """
    check_report_target(report)
    with terminal.about_arguments(), terminal.warnings_as_messages():
        found = read(path, options)
        classifier = load(model, store_path, device)
    from glovestore.classify import evaluation

    with terminal.about_arguments(), positions_as_lines(found):
        measured = evaluation.evaluate(classifier, found.texts, own_labels(classifier, found.labels))
    if report is not None:
        write_page(report, classifier, measured, overwrite)
    result = {"model": str(model), "test": found.to_dict(), "evaluation": measured.to_dict()}
    result |= {} if report is None else {"report": str(report)}
    told = "" if report is None else f"\n\nreport: {report}"
    terminal.print_result(result, as_json, lambda: f"{found}\n\n{measured}{told}")


def load(model: Path, store: str | None, device: str | None) -> TextClassifier:
    """Load a saved classifier."""
    from glovestore.classify import TextClassifier

    return TextClassifier.load(model, store, device)


def own_labels(classifier: TextClassifier, labels: list[str]) -> list[Any]:
    """Return labels as the classifier has them: it may have been trained with numbers. Others stay as they are."""
    own = {str(label): label for label in classifier.classes_.tolist()}
    return [own.get(label, label) for label in labels]


def best_labels(classifier: TextClassifier, texts: list[str], count: int) -> Iterator[list[tuple[Any, float]]]:
    """Yield for each text its most probable labels with their probabilities, best first; of equals the first."""
    classes = classifier.classes_.tolist()
    probabilities = classifier.predict_proba(texts)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    for row, columns in zip(probabilities, best.tolist(), strict=True):
        yield [(classes[column], float(row[column])) for column in columns]


def _line(labels: list[tuple[Any, float]]) -> str:
    return "\t".join(f"{visible(str(label))}\t{probability:.4f}" for label, probability in labels)


def _json_line(labels: list[tuple[Any, float]], top: int) -> str:
    listed = [{"label": label, "probability": probability} for label, probability in labels]
    return tables.to_json(listed[0] if top == 1 else {"labels": listed})
