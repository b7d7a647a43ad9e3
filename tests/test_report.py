"""The page about a classifier, read by html.parser: what it says, that nothing in it comes from hostile texts."""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import Element, parse
from hypothesis import given
from hypothesis import strategies as st
from shared import Built
from stand_in import HISTORY, Told, Trained, one_sure_class

from glovestore.classify.evaluation import evaluate
from glovestore.classify.report import confusion, render_report, sections, write_report
from glovestore.matrix.coverage import Coverage

CLASSES = ["bad", "good", "odd"]
TEXTS = ["one two", "three", "<i>four</i> & five", "six", "seven eight nine"]
LABELS = ["good", "good", "bad", "bad", "good"]
PREDICTED = [1, 0, 0, 1, 1]
CONFIDENCE = [0.9, 0.8, 0.7, 0.95, 0.6]
HOSTILE = '</table><script>alert(1)</script><img src="x" onerror=alert(2)>'


def trained(**options: Any) -> Trained:
    probabilities = options.pop("probabilities", one_sure_class(PREDICTED, 3, CONFIDENCE))
    return Trained(CLASSES, probabilities, **options)


def page_of(classifier: Told, texts: Any = TEXTS, labels: Any = LABELS, **options: Any) -> Element:
    return parse(render_report(classifier=classifier, evaluation=evaluate(classifier, texts, labels), **options))


def facts_of(page: Element) -> dict[str, tuple[str, ...]]:
    facts = page.by_id("summary").one("dl", "facts").every("div")
    return {fact.one("dt").text: tuple(dd.text for dd in fact.every("dd")) for fact in facts}


# ---------------------------------------------------------------------- sections


def test_summary() -> None:
    page = page_of(trained(), title="Fish & chips")
    assert page.one("h1").text == page.one("head").one("title").text == "Fish & chips"
    facts = facts_of(page)
    seconds = facts.pop("texts")
    assert seconds[0] == "5"
    assert seconds[1].startswith("predicted in ")
    assert facts == {
        "accuracy": ("0.600", "3 of 5 right"),
        "macro F1": ("0.583", "the mean over the classes"),
        "majority": ("0.600", "accuracy of always saying good"),
        "classes": ("3", "1 without a text here"),
        "epochs": ("3", "the best was 2; 4.50 s of training"),
    }
    assert page.by_id("summary").one("table").rows() == [
        ["parameter", "value"],
        ["note", "'<script>alert(1)</script>'"],
        ["oov", "'normal'"],
        ["units", "256"],
    ]
    assert "interrupted" not in page.by_id("summary").text
    assert "Training was interrupted." in page_of(trained(interrupted_=True)).by_id("summary").text


def test_settings_are_cut() -> None:
    page = page_of(trained(parameters={"vectors": "v" * 1000}))
    (_, (name, value)) = page.by_id("summary").one("table").rows()
    assert (name, value) == ("vectors", f"'{'v' * 299}…")


def test_curves_are_those_of_the_history() -> None:
    training = page_of(trained()).by_id("training")
    charts = training.every("svg", "chart")
    assert len(charts) == 2
    for chart, what in zip(charts, ("loss", "accuracy"), strict=True):
        circles, squares = chart.every("circle", "train"), chart.every("rect", "valid")
        titles = [mark.one("title").text for mark in [*circles, *squares] if mark.every("title")]
        assert titles == [
            f"{name} {what} of epoch {entry['epoch']}: {entry[f'{kind}_{what}']:.3f}"
            for kind, name in (("train", "training"), ("valid", "validation"))
            for entry in HISTORY
        ]
        lines = [group.one("polyline")["points"] for group in chart.every("g", "line")]
        centres = [f"{circle['cx']},{circle['cy']}" for circle in circles if circle.every("title")]
        assert lines[0] == " ".join(centres)
        assert chart["role"] == "img"
        assert "The best epoch is 2." in chart.by_id(f"{what}-title").text
    assert training.one("table").rows() == [
        ["epoch", "training loss", "training accuracy", "validation loss", "validation accuracy", "seconds"],
        ["1", "1.500", "0.500", "1.750", "0.375", "1.500"],
        ["2 (best)", "0.750", "0.750", "1.000", "0.625", "1.500"],
        ["3", "0.250", "1.000", "0.500", "0.875", "1.500"],
    ]


def test_table_of_classes() -> None:
    assert page_of(trained()).by_id("classes").one("table").rows() == [
        ["class", "precision", "recall", "F1", "texts", "predicted"],
        ["bad", "0.500", "0.500", "0.500", "2", "2"],
        ["good", "0.667", "0.667", "0.667", "3", "3"],
        ["odd", "–", "–", "–", "0", "0"],  # noqa: RUF001
    ]


def test_confusion() -> None:
    section = page_of(trained()).by_id("confusion")
    table, pairs = section.every("table")
    assert table.rows() == [
        ["true ↓ / predicted →", "bad", "good", "odd", "texts"],
        ["bad", "1", "1", "", "2"],
        ["good", "1", "2", "", "3"],
        ["odd", "", "", "", "0"],
        ["predicted", "2", "3", "0", "5"],
    ]
    assert [cell.text for cell in table.every("td", "right")] == ["1", "2", ""]
    assert [cell["title"] for cell in table.every("td", "wrong")] == [
        "bad taken for good: 1 of 2",
        "good taken for bad: 1 of 3",
    ]
    assert pairs.rows()[1:] == [["bad", "good", "1", "50.0 %"], ["good", "bad", "1", "33.3 %"]]


def test_coverage() -> None:
    section = page_of(trained()).by_id("coverage")
    assert section.one("table").rows() == [
        ["tokens", "count", "share"],
        ["found as they are", "1", "20.0 %"],
        ["found by lower", "1", "20.0 %"],
        ["missing", "3", "60.0 %"],
        ["all", "5", "100.0 %"],
    ]
    assert "120 of their 200 occurrences in the texts, 60.0 %, have a vector." in section.text
    tokens = section.one("ol", "tokens").every("li")
    assert [token.text for token in tokens] == ["<b>rust</b> ×40", "zyx ×20", "zzyzx ×20"]


def test_of_many_missing_tokens_the_most_frequent_are_shown() -> None:
    tokens = tuple(f"t{i}" for i in range(1000))
    section = page_of(trained(coverage_=Coverage(1000, 0, {}, 1000, (*tokens[:-1], "zyx")))).by_id("coverage")
    shown = [token.text for token in section.one("ol", "tokens").every("li")]
    assert shown == ["zyx ×20", *(f"t{i} ×0" for i in range(59))]
    assert "and 940 more." in section.text


def test_without_counts_the_first_missing_tokens_are_shown() -> None:
    section = page_of(trained(without=["vocabulary_"])).by_id("coverage")
    assert [token.text for token in section.one("ol", "tokens").every("li")] == ["zyx", "<b>rust</b>", "zzyzx"]


def test_mistakes() -> None:
    first, second = page_of(trained()).by_id("mistakes").one("ol", "mistakes").every("li")
    assert [dd.text for dd in first.one("dl").every("dd")] == ["bad 0.025", "good 0.950", "3"]
    assert first.one("p", "quote").text == "six"
    assert [dd.text for dd in second.one("dl").every("dd")] == ["good 0.100", "bad 0.800", "1"]


def test_attention_is_shown_as_shaded_words() -> None:
    classifier = trained(probabilities=one_sure_class([0] * 5, 3))
    last = page_of(classifier).by_id("mistakes").one("ol", "mistakes").every("li")[-1]
    words = last.one("div", "attention").every("bdi", "word")
    assert [word.text for word in words] == ["seven", "eight", "nine"]
    assert [word["title"] for word in words] == ["0.167", "0.333", "0.500"]
    assert [word.classes for word in words] == [["word", "w3"], ["word", "w6"], ["word", "w9"]]
    assert "Most attention on: nine 0.500, eight 0.333, seven 0.167" in last.text


@pytest.mark.parametrize("pooling", [("max", "last"), "max", None])
def test_without_attention_there_are_no_words(pooling: Any) -> None:
    section = page_of(trained(pooling=pooling)).by_id("mistakes")
    assert len(section.one("ol", "mistakes").every("li")) == 2
    assert section.every("div", "attention") == []


def test_a_pooling_by_attention_alone() -> None:
    assert len(page_of(trained(pooling="attention")).by_id("mistakes").every("div", "attention")) == 2


def test_long_texts_are_cut_and_can_be_unfolded() -> None:
    text = "word " * 10_000
    classifier = Trained(["a", "b"], one_sure_class([0], 2))
    (mistake,) = page_of(classifier, [text], ["b"]).by_id("mistakes").one("ol", "mistakes").every("li")
    of_text, of_words = mistake.every("details")
    assert mistake.every("p", "quote")[0].text == "word " * 56 + "…"
    assert of_text.one("summary").text == "The rest, 49,721 characters"
    assert of_text.one("p", "quote").text == ("word " * 3944).strip()
    assert "and 30,000 characters more, which this page leaves out." in of_text.text
    assert of_words.one("summary").text == "The attention over 9,940 words more"
    assert len(of_words.every("bdi", "word")) == 940
    assert "and 9,000 words, which this page leaves out." in of_words.text


@given(st.text(max_size=20), st.integers(1, 2000), st.text(max_size=400))
def test_a_cut_loses_nothing(start: str, times: int, end: str) -> None:
    text = start * times + end
    cut = sections.cut_text(text)
    assert (cut.head + cut.rest, cut.dropped) == (text[:20_000], max(0, len(text) - 20_000))
    assert len(cut.head) <= 350


def test_how_many_mistakes() -> None:
    classifier = trained(probabilities=one_sure_class([2] * 5, 3))
    few = page_of(classifier, mistakes=2).by_id("mistakes")
    assert len(few.one("ol", "mistakes").every("li")) == 2
    assert "The 2 most confident of 5 mistakes." in few.text
    assert "All mistakes, the most confident first." in page_of(classifier).by_id("mistakes").text
    assert "5 of 5 texts got the wrong class; none is shown." in page_of(classifier, mistakes=0).by_id("mistakes").text
    with pytest.raises(ValueError, match=r"^mistakes: expected an integer of at least 0, got -1$"):
        page_of(classifier, mistakes=-1)


# ---------------------------------------------------------------------- what is absent


def test_a_classifier_that_has_only_classes_and_probabilities() -> None:
    page = page_of(Told(["a", "b"], one_sure_class([1, 0], 2)), ["x", "y"], ["b", "a"])
    assert list(facts_of(page)) == ["accuracy", "macro F1", "majority", "texts", "classes"]
    for section, sentence in {
        "summary": "The classifier does not state its settings.",
        "training": "The classifier has no history of its training.",
        "confusion": "Nothing was confused.",
        "coverage": "The classifier does not say what a store covers of its texts.",
        "mistakes": "Every text got the right class.",
    }.items():
        assert page.by_id(section).one("p", "absent").text == sentence


def test_no_missing_token() -> None:
    section = page_of(trained(coverage_=Coverage(2, 2, {}, 0, ()))).by_id("coverage")
    assert section.one("p", "absent").text == "No token is missing."
    assert section.one("table").rows()[1] == ["found", "2", "100.0 %"]
    assert "occurrences" not in section.text


def test_one_epoch() -> None:
    training = page_of(trained(history_=HISTORY[:1], best_epoch_=1)).by_id("training")
    assert training.one("summary").text == "The numbers of the only epoch"
    marks = [mark for chart in training.every("svg") for mark in chart.every("circle", "train") if mark.every("title")]
    assert len(marks) == 2
    legend = [group for chart in training.every("svg") for group in chart.every("g", "legend")]
    drawn = {id(line) for group in legend for line in group.every("polyline")}
    assert {id(line) for line in training.every("polyline")} == drawn


def test_a_loss_that_is_nan() -> None:
    history = [*HISTORY, {"epoch": 4, "train_loss": math.nan, "valid_loss": math.inf}]
    training = page_of(trained(history_=history)).by_id("training")
    assert training.one("p", "note").text == (
        "Not drawn: training loss of epoch 4: nan; validation loss of epoch 4: inf."
    )
    assert training.one("table").rows()[-1] == ["4", "nan", "–", "inf", "–", "–"]  # noqa: RUF001


def test_nothing_but_nan() -> None:
    history = [{"epoch": i, "train_loss": math.nan} for i in range(1, 10)]
    training = page_of(trained(history_=history, best_epoch_=None)).by_id("training")
    assert training.one("p", "absent").text == "The history has no finite loss or accuracy to draw."
    assert training.every("svg") == []


def test_of_many_gaps_five_are_named() -> None:
    history = [*HISTORY, *({"epoch": i, "train_loss": math.nan} for i in range(4, 12))]
    note = page_of(trained(history_=history)).by_id("training").one("p", "note").text
    assert note.endswith("training loss of epoch 8: nan and 3 more.")


def test_an_empty_text() -> None:
    page = page_of(Trained(["a", "b"], one_sure_class([0, 0], 2)), ["", []], ["b", "b"])
    for mistake in page.by_id("mistakes").one("ol", "mistakes").every("li"):
        assert mistake.one("p", "absent").text == "This text is empty."


# ---------------------------------------------------------------------- many classes


def test_labels_that_are_too_long_are_cut_in_their_middle_and_stay_apart() -> None:
    labels = ["comp.sys.ibm.pc.hardware", "comp.sys.mac.hardware", "sci.med", "a" * 30 + "b" * 30]
    assert confusion.short_labels(labels, 16) == ["comp.s…dware (1)", "comp.s…dware (2)", "sci.med", "aaaaaaaa…bbbbbbb"]


@given(st.lists(st.text("ab.", max_size=40), max_size=30, unique=True), st.integers(12, 30))
def test_short_labels_are_short_and_different(labels: list[str], most: int) -> None:
    short = confusion.short_labels(labels, most)
    assert all(len(form) <= most for form in short)
    assert all(form == label for form, label in zip(short, labels, strict=True) if len(label) <= most)
    assert len(set(short)) == len(short)


def test_shades_grow_with_the_share() -> None:
    assert confusion.shade(0, 0) == confusion.shade(0, 9) == 0
    assert confusion.shade(1, 10**9) == 1
    assert confusion.shade(9, 9) == confusion.SHADES
    shades = [confusion.shade(count, 1000) for count in range(1001)]
    assert shades == sorted(shades)
    assert set(shades) == set(range(confusion.SHADES + 1))


def test_of_very_many_classes_those_with_most_mistakes_are_shown() -> None:
    size = confusion.MOST_CLASSES + 20
    counts = np.diag(np.full(size, 5))
    counts[np.arange(10, size - 10), np.arange(11, size - 9)] = 1
    made = confusion.matrix(counts, [f"c{i}" for i in range(size)])
    assert made.hidden == 20
    assert [row.name.full for row in made.rows] == [f"c{i}" for i in range(10, size - 10)]
    assert [row.total for row in made.rows] == [6] * (size - 20)
    page = page_of(Told([f"c{i:03}" for i in range(size)], one_sure_class([0], size)), ["x"], ["c001"])
    assert "The 100 classes that take part in most mistakes are shown, 20 are not." in page.by_id("confusion").text


def test_a_shown_share_of_confusions_is_of_the_class() -> None:
    (first, second) = confusion.confused_pairs(np.array([[5, 0, 3], [0, 0, 0], [1, 0, 9]]), ["a", "b", "c"])
    assert tuple(first) == ("a", "c", 3, 8)
    assert tuple(second) == ("c", "a", 1, 10)


# ---------------------------------------------------------------------- hostile texts


def hostile_page() -> str:
    classes = ["good", HOSTILE]
    classifier = Trained(
        classes,
        one_sure_class([0, 1], 2),
        coverage_=Coverage(1, 0, {HOSTILE: 0}, 1, (HOSTILE,)),
        parameters={HOSTILE: HOSTILE},
        history_=[{"epoch": 1, "train_loss": 1.0}],
    )
    evaluation = evaluate(classifier, [HOSTILE, [HOSTILE, "b"]], [HOSTILE, "good"])
    return render_report(classifier=classifier, evaluation=evaluation, title=HOSTILE)


def test_hostile_texts_and_labels_are_text() -> None:
    page = hostile_page()
    root = parse(page)  # every tag is closed in its place: none came from outside
    assert {element.tag for element in root.every()} & {"script", "img", "iframe", "object", "link", "base"} == set()
    assert not [name for element in root.every() for name in element.attributes if name.startswith("on")]
    assert root.one("h1").text == HOSTILE
    assert root.by_id("classes").one("table").rows()[2][0] == confusion.short_labels([HOSTILE], 60)[0]
    assert root.by_id("mistakes").every("p", "quote")[0].text == HOSTILE
    assert root.by_id("coverage").one("ol", "tokens").one("bdi").text == HOSTILE
    assert root.by_id("summary").one("table").rows()[1] == [HOSTILE, repr(HOSTILE)]


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    """But for line ends, which every HTML parser unifies, and for what HTML cannot hold."""
    classifier = Told(["a", "b"], one_sure_class([0], 2))
    page = page_of(classifier, [text], ["b"])
    quotes = page.by_id("mistakes").every("p", "quote")
    expected = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", text)
    assert [quote.text for quote in quotes] == ([" ".join(expected.split())] if text else [])


def test_what_html_cannot_hold_is_replaced(tmp_path: Path) -> None:
    text = "a\x00b\udcff\ud83d\x0c\x9fc\r\nd\te"
    classifier = Told(["a", "b\ud83d"], one_sure_class([0], 2))
    write_report(tmp_path / "r.html", classifier=classifier, evaluation=evaluate(classifier, [text], ["b\ud83d"]))
    page = parse((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.by_id("mistakes").one("p", "quote").text == "a\ufffdb\ufffd\ufffd\ufffd\ufffdc d e"
    assert page.by_id("classes").one("table").rows()[2][0] == r"'b\ud83d'"


def test_the_page_may_load_and_run_nothing() -> None:
    root = parse(hostile_page())
    (policy,) = [
        m["content"] for m in root.every("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    style = root.one("style").children[0]
    assert isinstance(style, str)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"@import|url\(|//", style)
    for element in root.every():
        assert not {"src", "srcset", "style", "data", "action", "xlink:href"} & element.attributes.keys(), element.tag
        assert element.attributes.get("href", "#").startswith("#")  # type: ignore[union-attr]


def test_tables_can_be_understood_without_seeing_them() -> None:
    root = parse(hostile_page())
    for table in root.every("table"):
        assert {cell.attributes.get("scope") for cell in table.every("th")} <= {"row", "col"}
        assert len(table.every("thead")) == 1
    for box in root.every("div", "scroll"):  # a keyboard can scroll it, a screen reader names it
        assert (box["tabindex"], box["role"]) == ("0", "region")
        assert "aria-labelledby" in box.attributes or "aria-label" in box.attributes
    assert all("aria-hidden" in svg.attributes or svg["role"] == "img" for svg in root.every("svg"))
    assert root.one("html")["lang"] == "en"


# ---------------------------------------------------------------------- files


def report(path: Path, **options: Any) -> None:
    classifier = trained()
    write_report(path, classifier=classifier, evaluation=evaluate(classifier, TEXTS, LABELS), **options)


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    report(path, title="first")
    report(path, title="second")
    assert parse(path.read_text(encoding="utf-8")).one("h1").text == "second"
    assert os.listdir(tmp_path) == ["report.html"]


def test_the_same_input_gives_the_same_page() -> None:
    classifier = trained()
    evaluation = evaluate(classifier, TEXTS, LABELS)
    first, second = (render_report(classifier=classifier, evaluation=evaluation) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("content", [b"", b"text", b'<!doctype html>\n<html lang="en">\n<title>mine</title>'])
def test_another_file_stays_unless_somebody_asks(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.html"
    path.write_bytes(content)
    with pytest.raises(FileExistsError) as error:
        report(path)
    expected = "expected a new file or an earlier report, got another file; write with overwrite=True to replace it"
    assert str(error.value) == f"{path}: {expected}"
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["mine.html"]
    report(path, overwrite=True)
    assert path.read_bytes().startswith(b"<!doctype html>")


def test_a_store_is_never_replaced(tmp_path: Path, build_bytes: Callable[..., Built]) -> None:
    path = build_bytes(b"a 1 2\nb 3 4\n").path
    before = path.read_bytes()
    with pytest.raises(FileExistsError) as error:
        report(path, overwrite=True)
    assert str(error.value) == f"{path}: expected a new file or an earlier report, got a store: it stays"
    assert path.read_bytes() == before


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="expected the name of a file, got a directory"):
        report(tmp_path)
    with pytest.raises(FileNotFoundError, match="expected an existing folder"):
        report(tmp_path / "none" / "report.html")


@pytest.mark.parametrize(
    ("package", "module", "message"),
    [
        ("jinja2", "report", 'glovestore.classify needs Jinja2: pip install "glovestore[train]"'),
        ("sklearn", "evaluation", 'glovestore.classify needs scikit-learn: pip install "glovestore[train]"'),
        ("skorch", "estimator", 'glovestore.classify needs skorch: pip install "glovestore[train]"'),
        ("safetensors", "folder", 'glovestore.classify needs safetensors: pip install "glovestore[train]"'),
    ],
)
def test_a_missing_package_is_named(package: str, module: str, message: str) -> None:
    code = f"""if True:
        import sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == {package!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Missing())
        try:
            import glovestore.classify.{module}
        except ImportError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == message
