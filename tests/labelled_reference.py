"""Slow and obvious readers of labelled texts, and writers of each format: the oracles of `glovestore.labelled`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

Pair = tuple[str, str]  # label, text
Numbered = tuple[str, str, int]  # and the number of the first line


def split_lines(data: bytes) -> list[str]:
    r"""Cut UTF-8 at \n alone; what stands behind the last one is a line if it is not empty."""
    lines = data.decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line[:-1] if line.endswith("\r") else line for line in lines]


def read_tsv(data: bytes) -> list[Numbered]:
    rows = [(number, line.split("\t")) for number, line in enumerate(split_lines(data), 1) if line.strip()]
    return [(label, text, number) for number, (label, text) in rows]


def read_spaced(data: bytes) -> list[Numbered]:
    return [
        (line[: line.index(" ")], line[line.index(" ") + 1 :], number)
        for number, line in enumerate(split_lines(data), 1)
        if line.strip()
    ]


def read_csv(data: bytes) -> list[Numbered]:
    """Read RFC 4180 with label and text as columns, a character at a time."""
    text, rows, line, at = data.decode(), [], 1, 0
    while at < len(text):
        first, fields, field = line, [], ""
        while True:
            if at < len(text) and text[at] == '"' and field == "":
                at += 1
                while text[at] != '"' or text[at + 1 : at + 2] == '"':
                    line += text[at] == "\n"
                    field += text[at]
                    at += 2 if text[at] == '"' else 1
                at += 1
            elif at < len(text) and text[at] not in ",\r\n":
                field += text[at]
                at += 1
            else:
                fields.append(field)
                field = ""
                if text[at : at + 1] != ",":
                    break
                at += 1
        at += 2 if text[at : at + 2] == "\r\n" else 1
        line += 1
        rows.append((*fields, first))
    return rows


def write_tsv(pairs: Sequence[Pair], end: str = "\n") -> bytes:
    return "".join(f"{label}\t{text}{end}" for label, text in pairs).encode()


def write_spaced(pairs: Sequence[Pair], end: str = "\n") -> bytes:
    return "".join(f"{label} {text}{end}" for label, text in pairs).encode()


def write_fasttext(pairs: Sequence[Pair], end: str = "\n") -> bytes:
    return "".join(f"__label__{label} {text}{end}" for label, text in pairs).encode()


def write_csv(pairs: Sequence[Pair], end: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end, quoting=quoting).writerows(pairs)
    return file.getvalue().encode()


def write_json_lines(pairs: Sequence[Pair], end: str = "\n", ascii_only: bool = True) -> bytes:
    lines = (json.dumps({"label": label, "text": text}, ensure_ascii=ascii_only) + end for label, text in pairs)
    return "".join(lines).encode()
