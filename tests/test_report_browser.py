"""The page about a classifier in a real browser: nothing is blocked, loaded, logged or too wide, and all can be read.

Runs where there is a Chromium: on PATH as one of browser.NAMES, or named by GLOVESTORE_BROWSER.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import NAMES, Browser, find_browser
from stand_in import HISTORY, Told, Trained, one_sure_class

from glovestore.classify.evaluation import evaluate
from glovestore.classify.report import render_report

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason=f"needs a browser: {', '.join(NAMES)}, or what GLOVESTORE_BROWSER names"
)

SIZES = (6, 20, 52)
WIDTHS = (1280, 390)
HOSTILE = "</table><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
LONG_WORD = "unbreakable" * 40

# WCAG 2.2: the contrast of text and what is behind it. A canvas turns any CSS colour into bytes.
LOW_CONTRAST = """(() => {
  const context = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const bytes = color => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const linear = byte => byte <= 10.3 ? byte / 255 / 12.92 : ((byte / 255 + .055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = bytes(getComputedStyle(element).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('title')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(bytes(element.closest('svg') ? style.fill : style.color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) low.push(`${contrast.toFixed(2)}: ${walker.currentNode.data.trim()} in ${element.outerHTML}`);
  }
  return low;
})()"""

# Whatever ends to the right of the page without a box around it that scrolls.
TOO_WIDE = """[...document.body.querySelectorAll('*')].filter(element =>
  element.getBoundingClientRect().right > document.documentElement.clientWidth + .5 && !element.closest('.scroll')
).map(element => element.outerHTML.slice(0, 200))"""

# White space as it is shown; textContent has the text of what is folded too.
TABLE = """(selector => [...document.querySelectorAll(selector + ' tr')].map(row =>
  [...row.cells].map(cell => cell.textContent.replace(/\\s+/g, ' ').trim())))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser()
    assert program
    with Browser(program) as started:
        yield started


def classifier_of(size: int) -> tuple[Trained, list[str], list[str]]:
    """Return a classifier of so many classes that is mostly right, and texts with their labels; some are hostile."""
    classes = [HOSTILE, *(f"class.of.many.classes.number.{i}" for i in range(1, size))]
    generator = np.random.default_rng(size)
    true = np.concatenate([np.arange(size), generator.integers(0, size, 15 * size)])
    predicted = np.where(generator.random(len(true)) < 0.7, true, generator.integers(0, size, len(true)))
    predicted[0] = 1  # a hostile label is among the mistakes
    probabilities = one_sure_class(predicted.tolist(), size, generator.uniform(0.6, 0.95, len(true)).tolist())
    probabilities[0] = one_sure_class([1], size, 0.99)
    texts = [HOSTILE, LONG_WORD, *(f"text {i} " * 100 for i in range(2, len(true)))]
    return Trained(classes, probabilities), texts, [classes[i] for i in true.tolist()]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return a page for each of SIZES, and one for a classifier that has next to nothing, under 0."""
    folder = tmp_path_factory.mktemp("pages")
    bare = Told(["a", "b"], one_sure_class([0, 1], 2))
    made = {0: render_report(classifier=bare, evaluation=evaluate(bare, ["x", "y"], ["a", "b"]))}
    for size in SIZES:
        classifier, texts, labels = classifier_of(size)
        evaluation = evaluate(classifier, texts, labels)
        made[size] = render_report(classifier=classifier, evaluation=evaluation, title=f"{size} {LONG_WORD}")
    for size, page in made.items():
        (folder / f"{size}.html").write_text(page, encoding="utf-8")
    return {size: folder / f"{size}.html" for size in made}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", [0, *SIZES])
def test_a_page_is_whole_fits_and_can_be_read(
    browser: Browser, pages: dict[int, Path], size: int, width: int, dark: bool
) -> None:
    browser.show(pages[size], width, dark)
    assert browser.run("document.querySelectorAll('details').forEach(part => part.open = true)") is None
    assert browser.run("document.documentElement.clientWidth") == width
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(TOO_WIDE) == []
    assert browser.run(LOW_CONTRAST) == []
    assert browser.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert browser.run("document.title").startswith(str(size) if size else "Text classifier")
    assert browser.run("document.scripts.length + document.images.length") == 0
    assert browser.run("getComputedStyle(document.body).margin") == "0px"  # the policy lets the style in
    assert browser.problems == []
    assert browser.requests == [pages[size].resolve().as_uri()]


@pytest.mark.parametrize("size", SIZES)
def test_the_sections_have_the_right_numbers(browser: Browser, pages: dict[int, Path], size: int) -> None:
    classifier, texts, labels = classifier_of(size)
    evaluation = evaluate(classifier, texts, labels)
    browser.show(pages[size], 1280)
    headings = browser.run("[...document.querySelectorAll('h2')].map(heading => heading.textContent)")
    assert headings == ["Summary", "Training", "Classes", "Confusion", "Coverage", "Mistakes"]
    facts = browser.run("[...document.querySelectorAll('.facts .value')].map(value => value.textContent)")
    assert facts[:2] == [f"{evaluation.accuracy:.3f}", f"{evaluation.macro_f1:.3f}"]
    assert facts[3:] == [f"{len(texts):,}", f"{size}", f"{len(HISTORY)}"]

    classes = browser.run(TABLE + "('#classes')")[1:]
    shown = [(f"{row.precision:.3f}", f"{row.f1:.3f}", f"{row.support}") for row in evaluation.per_class()]
    assert [(row[1], row[3], row[4]) for row in classes] == shown

    _, *rows, totals = browser.run(TABLE + "('#confusion .matrix')")
    assert [[int(cell or 0) for cell in row[1:-1]] for row in rows] == evaluation.confusion.tolist()
    assert [int(row[-1]) for row in rows] == [row.support for row in evaluation.per_class()]
    assert list(map(int, totals[1:])) == [*(row.predicted for row in evaluation.per_class()), len(texts)]

    mistakes = browser.run(
        "[...document.querySelectorAll('.mistakes .verdict div:last-child dd')].map(d => d.innerText)"
    )
    assert [int(text.replace(",", "")) for text in mistakes] == [made.position for made in evaluation.mistakes(25)]
    assert browser.run("document.querySelector('.mistakes .quote').textContent") == HOSTILE


def test_curves_are_drawn_where_the_numbers_are(browser: Browser, pages: dict[int, Path]) -> None:
    """Read back from pixels: a marker's distance to the axis, in the scale of the numbers beside the axis."""
    browser.show(pages[6], 1280)
    read = browser.run("""[...document.querySelectorAll('svg.chart')].map(chart => {
      const middle = mark => {
        const box = mark.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
      };
      const titled = kind => [...chart.querySelectorAll('g > ' + kind)].filter(mark => mark.querySelector('title'));
      const marks = kind => titled(kind).map(middle);
      const ticks = [...chart.querySelectorAll('.grid text[text-anchor=end]')].map(text =>
        [Number(text.textContent), middle(text.previousElementSibling)[1]]);
      return {train: marks('circle.train'), valid: marks('rect.valid'), ticks};
    })""")
    for chart, what in zip(read, ("loss", "accuracy"), strict=True):
        (low, bottom), (high, top) = chart["ticks"][0], chart["ticks"][-1]
        for kind in ("train", "valid"):
            values = [low + (bottom - y) / (bottom - top) * (high - low) for _, y in chart[kind]]
            assert values == pytest.approx([entry[f"{kind}_{what}"] for entry in HISTORY], abs=0.01 * (high - low))
            across = [x for x, _ in chart[kind]]
            assert across == sorted(across)


def test_the_headers_of_a_large_matrix_stay_when_it_is_scrolled(browser: Browser, pages: dict[int, Path]) -> None:
    for width in WIDTHS:
        browser.show(pages[52], width)
        box, head, side = browser.run("""(() => {
          const box = document.querySelector('.matrix');
          box.scrollTo(9999, 9999);
          const place = element => { const {x, y} = element.getBoundingClientRect(); return {x, y}; };
          return [{...place(box), left: box.scrollLeft, top: box.scrollTop},
                  place(box.querySelector('thead th:last-child')), place(box.querySelector('tbody tr:last-child th'))];
        })()""")
        assert box["left"] > 0 and box["top"] > 0
        assert head["y"] == pytest.approx(box["y"], abs=3)
        assert side["x"] == pytest.approx(box["x"], abs=3)


def test_everything_can_be_reached_by_keyboard(browser: Browser, pages: dict[int, Path]) -> None:
    browser.show(pages[6], 1280)
    reached = []
    for _ in range(12):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(browser.run("document.activeElement.textContent.trim().split('\\n')[0]"))
        assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    sections = ["Summary", "Training", "Classes", "Confusion", "Coverage", "Mistakes"]
    assert reached[:8] == ["Skip to the summary", *sections, "Settings of the classifier (3)"]


def with_addition(page: Path, addition: str) -> Path:
    changed = page.with_name("changed.html")
    changed.write_text(page.read_text(encoding="utf-8").replace("</main>", f"{addition}</main>"), encoding="utf-8")
    return changed


@pytest.mark.parametrize(
    "addition",
    [
        "<script>document.title = 'taken'</script>",
        "<img src='https://example.org/x.png' alt=''>",
        "<p style='width: 5px'>x</p>",
        "<style>p { color: red }</style>",
        "<form action='https://example.org/'></form><script>document.forms[0].submit()</script>",
    ],
)
def test_what_should_not_be_there_is_blocked_and_noticed(
    browser: Browser, pages: dict[int, Path], addition: str
) -> None:
    """The policy holds, and these tests would see it if something were wrong."""
    browser.show(with_addition(pages[6], addition), 1280)
    assert any("Content Security Policy" in problem for problem in browser.problems)
    assert browser.run("document.title") != "taken"
    assert not [url for url in browser.requests if not url.startswith("file:")] or "img" in addition


@pytest.mark.parametrize(
    ("addition", "script"),
    [
        ("<p><svg width='3000' height='5'></svg></p>", TOO_WIDE),
        ("<p class='about'><bdi class='word w9'>x</bdi></p>", LOW_CONTRAST),
    ],
)
def test_what_is_too_wide_or_too_pale_is_noticed(
    browser: Browser, pages: dict[int, Path], addition: str, script: str
) -> None:
    browser.show(with_addition(pages[6], addition), 390)
    assert len(browser.run(script)) >= 1


def test_the_page_prints(browser: Browser, pages: dict[int, Path], tmp_path: Path) -> None:
    browser.show(pages[52], 1280)
    browser.print(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        hidden: Any = browser.run("getComputedStyle(document.querySelector('nav')).display")
        assert (hidden, browser.run("getComputedStyle(document.querySelector('.matrix')).overflow")) == (
            "none",
            "visible",
        )
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
