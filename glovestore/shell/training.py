"""`glovestore train`: from labelled texts and a store to a trained, saved and measured classifier."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import glovestore
from glovestore.display import aligned, human_seconds
from glovestore.errors import TextFormatError
from glovestore.interrupts import deferred_interrupt
from glovestore.labelled import LabelledTexts
from glovestore.shell import tables, terminal
from glovestore.shell.estimator_options import EstimatorCommand, estimator_options, given_parameters
from glovestore.shell.text_options import labelled_options, positions_as_lines, read
from glovestore.tokens import first_few, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glovestore.classify import TextClassifier
    from glovestore.classify.compare import Comparison
    from glovestore.classify.evaluation import Evaluation

Say = Callable[[str], None]
SHOWN_LABELS = 20


def share_or_file(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | Path | None:
    """Return a number as the share that it is, all else as the path of a file."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return Path(value)  # type: ignore[arg-type]


file_path = click.Path(path_type=Path)


@click.command(cls=EstimatorCommand)
@click.argument("train_path", metavar="TRAIN", type=file_path)
@click.option("--store", "store_path", metavar="STORE", required=True, help="The vectors.")
@click.option("--out", metavar="MODEL", type=file_path, required=True, help="The folder to save the model in.")
@click.option("--test", "test_path", metavar="FILE", type=file_path, help="Labelled texts to measure the model on.")
@click.option("--validation", metavar="SHARE|FILE", callback=share_or_file,
              help="What finds the best epoch: a share of TRAIN, or labelled texts of their own.")  # fmt: skip
@click.option("--report", metavar="FILE", type=file_path, help="Write a page about the model, in HTML.")
@click.option("--compare", "compared", is_flag=True, help="Also measure what the vectors are worth; needs --test.")
@click.option("--extra-tokens", metavar="N", type=click.IntRange(min=0), default=0,
              help="Save the first N tokens of STORE with the model, which then needs no store.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace a model that is there already.")
@labelled_options
@estimator_options
@click.option("--progress/--no-progress", default=None, help="Show a bar for each epoch; default: on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def train(train_path: Path, store_path: str, as_json: bool, **options: Any) -> None:
    """Train a text classifier.

    TRAIN has labelled texts: TSV or CSV (columns label and text, or as a header or the options say), JSON lines,
    fastText's __label__x, or lines of label, space, text; - is standard input, and it may be compressed. Ctrl-C ends
    training and saves the model of the best epoch so far.

    \b
      glovestore train train.tsv --store glove.h5 --test test.tsv --out model
      glovestore train reviews.csv --text review --label sentiment --store glove.h5 --out model
      glovestore train train.tsv --store glove.h5 --test test.tsv --out model --compare --report page.html
    """
    if options["compared"] and options["test_path"] is None:
        raise click.UsageError("--compare compares on test texts: expected --test FILE")
    from glovestore.classify.folder import check_target

    check_target(options["out"], options["overwrite"])  # before anybody waits for it; `save` looks again
    check_report_target(options["report"])
    with glovestore.open(store_path) as store, terminal.about_arguments():
        Training(train_path, store, options, (lambda text: None) if as_json else terminal.print_text).run(as_json)


class Training:
    """One call of `train`, step by step."""

    def __init__(self, path: Path, store: glovestore.EmbeddingStore, options: dict[str, Any], say: Say) -> None:
        self.options = options
        self.store = store
        self.say = say
        self.results: dict[str, Any] = {}
        with terminal.warnings_as_messages():
            self.texts = self._read("train", path)
            self.test = self._read("test", options["test_path"])
            given = options["validation"]
            self.validation = self._read("validation", given if isinstance(given, Path) else None)

    def _read(self, role: str, path: Path | None) -> Any:
        """Read a file and say what is in it. What is not trained on may have no other labels."""
        if path is None:
            return None
        found = read(path, self.options)
        if role != "train":
            check_labels(found, self.texts)
        self.results[role] = found.to_dict()
        self.say(str(found))
        return found

    def run(self, as_json: bool) -> None:
        """Train, save, measure, and print."""
        classifier = self._new_classifier()
        self._say_coverage(classifier)
        seconds = self._fit(classifier)
        self._save(classifier)
        if not classifier.interrupted_:
            evaluation = self._evaluate(classifier)
            if self.options["report"] is not None:
                self._report(classifier, evaluation)
            if self.options["compared"]:
                self._compare(classifier, evaluation, seconds)
        if as_json:
            terminal.print_text(tables.to_json(self.results))
        if classifier.interrupted_:
            click.echo(f"glovestore: interrupted: the model so far is in {self.options['out']}", err=True)
            click.get_current_context().exit(terminal.INTERRUPTED)

    def _new_classifier(self) -> TextClassifier:
        from glovestore.classify import TextClassifier

        given, progress = given_parameters(self.options), self.options["progress"]
        if isinstance(self.options["validation"], float):
            given["validation"] = self.options["validation"]
        return TextClassifier(self.store, **given, progress=sys.stderr.isatty() if progress is None else progress)

    def _say_coverage(self, classifier: TextClassifier) -> None:
        vocab = glovestore.Vocabulary.fit(self.texts.texts, classifier.tokenizer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", glovestore.CoverageWarning)  # it says what is printed here
            coverage = self.store.matrix(vocab, fallbacks=classifier.fallbacks).coverage
        self.results["coverage"] = {name: n for name, n in coverage.to_dict().items() if name != "missing_tokens"}
        self.say(f"coverage: {coverage}\n")

    @property
    def _validation_data(self) -> dict[str, Any]:
        given = self.validation
        return {} if given is None else {"validation_data": (given.texts, given.labels)}

    def _fit(self, classifier: TextClassifier) -> float:
        start = time.perf_counter()
        with positions_as_lines(self.texts), messages_without_coverage():
            classifier.fit(self.texts.texts, self.texts.labels, **self._validation_data)
        seconds = time.perf_counter() - start
        self.results |= {
            "history": classifier.history_, "best_epoch": classifier.best_epoch_, "seconds": seconds,
            "interrupted": classifier.interrupted_,
        }  # fmt: skip
        if classifier.history_:
            self.say(f"{epochs_table(classifier.history_, classifier.best_epoch_)}\n")
        self.say(f"trained in {human_seconds(seconds)}: the model is that of epoch {classifier.best_epoch_}\n")
        return seconds

    def _save(self, classifier: TextClassifier) -> None:
        """Save the model. A Ctrl-C, be it the second one, has to wait for that."""
        out = self.options["out"]
        test = None if self.test is None or classifier.interrupted_ else (self.test.texts, self.test.labels)
        with deferred_interrupt():
            extra, overwrite = self.options["extra_tokens"], self.options["overwrite"]
            classifier.save(out, extra_tokens=extra, overwrite=overwrite, test=test)
        self.results["model"] = str(out)
        self.say(f"model: {out}\n")

    def _evaluate(self, classifier: TextClassifier) -> Evaluation | None:
        """Measure the model on the test texts, else on those that were set aside for validation."""
        from glovestore.classify.evaluation import evaluate

        if self.test is not None:
            what, texts, labels = self.test.path, self.test.texts, self.test.labels
        elif len(classifier.validation_[0]):
            what, (texts, labels) = "validation texts", classifier.validation_
        else:
            self.say("no test texts, no validation texts: nobody knows how good it is")
            return None
        evaluation = evaluate(classifier, texts, labels)
        self.results["evaluation"] = {"on": what, **evaluation.to_dict()}
        self.say(f"{what}:\n\n{evaluation}")
        return evaluation

    def _report(self, classifier: TextClassifier, evaluation: Evaluation | None) -> None:
        if evaluation is None:
            raise terminal.DataError("--report: expected test or validation texts to report about, got none")
        write_page(self.options["report"], classifier, evaluation, self.options["overwrite"])
        self.results["report"] = str(self.options["report"])
        self.say(f"\nreport: {self.options['report']}")

    def _compare(self, classifier: TextClassifier, evaluation: Evaluation | None, seconds: float) -> None:
        from glovestore.classify.compare import TITLES, Compared, compare

        assert evaluation is not None  # --compare has --test
        with messages_without_coverage():
            found: Comparison = compare(
                classifier,
                self.texts.texts,
                self.texts.labels,
                self.test.texts,
                self.test.labels,
                **self._validation_data,
                known={classifier.embeddings: Compared(evaluation.accuracy, seconds)},
                say=lambda way: click.echo(f"comparing: {TITLES[way]}", err=True) if classifier.progress else None,
            )
        self.results["compared"] = found.to_dict()
        self.say(f"\n{found}")


# ---------------------------------------------------------------------- before training


def check_labels(found: LabelledTexts, trained: LabelledTexts) -> None:
    """Raise a TextFormatError for the first label that is not among those to be trained on."""
    known = dict.fromkeys(trained.labels)
    for label, line in zip(found.labels, found.lines, strict=True):
        if label not in known:
            few = first_few(list(known), SHOWN_LABELS)
            raise TextFormatError(
                f"expected one of the labels of {trained.path} ({few}), got {shown(label)}", found.path, line
            )


def check_report_target(path: Path | None) -> None:
    """Refuse a report in a folder that is not there."""
    if path is not None and not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: expected a folder to write the report in, got none")


# ---------------------------------------------------------------------- output


@contextmanager
def messages_without_coverage() -> Iterator[None]:
    """Print warnings as messages, but not that about low coverage: it was printed before."""
    with terminal.warnings_as_messages():
        warnings.simplefilter("ignore", glovestore.CoverageWarning)
        yield


def epochs_table(history: list[dict[str, float]], best: int) -> str:
    """Return a line for each epoch; the one whose weights were kept has a star."""
    names = [name for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy") if name in history[0]]
    rows = [("epoch", *(name.replace("_", " ") for name in names), "seconds")]
    for row in history:
        star = "*" if row["epoch"] == best else ""
        rows.append((f"{star}{row['epoch']:.0f}", *(f"{row[name]:.3f}" for name in names), f"{row['seconds']:.1f}"))
    return aligned(rows, "r" * len(rows[0]))


def write_page(path: Path, classifier: Any, evaluation: Evaluation, overwrite: bool) -> None:
    """Write the page about a classifier."""
    from glovestore.classify.report import write_report

    write_report(path, classifier=classifier, evaluation=evaluation, overwrite=overwrite)
