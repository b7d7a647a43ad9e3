"""HTML as a tree, read by html.parser: strict about tags that do not fit, which a browser would forgive."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Element:
    """A tag with its attributes, and what stands in it: elements and strings."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def __getitem__(self, attribute: str) -> str:
        value = self.attributes[attribute]
        assert value is not None
        return value

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get("class") or "").split()

    @property
    def text(self) -> str:
        """All text inside, white space as a browser shows it."""
        return " ".join("".join(self._strings()).split())

    def _strings(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._strings()

    def every(self, tag: str = "", kind: str = "") -> list[Element]:
        """Return all elements inside with this tag and this class, in order."""
        inside = (child for child in self.children if isinstance(child, Element))
        found = []
        for child in inside:
            if (not tag or child.tag == tag) and (not kind or kind in child.classes):
                found.append(child)
            found += child.every(tag, kind)
        return found

    def one(self, tag: str = "", kind: str = "") -> Element:
        """Return the only such element."""
        (found,) = self.every(tag, kind)
        return found

    def by_id(self, name: str) -> Element:
        (found,) = [element for element in self.every() if element.attributes.get("id") == name]
        return found

    def rows(self) -> list[list[str]]:
        """Return the texts of a table's cells, head and foot included."""
        cells = ([cell for cell in row.every() if cell.tag in ("th", "td")] for row in self.every("tr"))
        return [[cell.text for cell in row] for row in cells]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        assert len(element.attributes) == len(attrs), f"<{tag}> at {self.getpos()}: an attribute twice"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        element = self.open.pop()
        assert element.tag == tag, f"at {self.getpos()}: expected </{element.tag}>, got </{tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(page: str) -> Element:
    """Return the root of a page whose tags are all closed in order; ids stand once, and what refers to one is right."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], f"not closed: {[element.tag for element in reader.open]}"
    every = reader.root.every()
    ids = [element["id"] for element in every if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    named = [name for element in every for name in (element.attributes.get("aria-labelledby") or "").split()]
    linked = [element["href"].removeprefix("#") for element in every if "href" in element.attributes]
    assert {*named, *linked} <= {*ids}
    return reader.root
