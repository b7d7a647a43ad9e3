"""`glovestore catalogue` and `glovestore download`: published vectors by name, others by URL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from glovestore.display import aligned, human_bytes
from glovestore.remote import RemoteSource, find, near_misses
from glovestore.remote.catalogue import Entry, entries
from glovestore.shell import tables, terminal

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


@click.command()
@click.argument("name_filter", metavar="[FILTER]", default="")
@json_option
def catalogue(name_filter: str, as_json: bool) -> None:
    """List the vectors that can be had by name.

    FILTER is a part of a name; without one, the languages of a family share a line.

    \b
      glovestore catalogue
      glovestore catalogue glove.6B
      glovestore catalogue cc.de --json
    """
    wanted = name_filter.casefold()
    listed = [entry for entry in entries().values() if any(wanted in name.casefold() for name in entry.all_names)]
    if not listed:
        raise terminal.DataError(f"expected a part of a name in the catalogue, got {name_filter!r}")
    if as_json:
        terminal.print_text(tables.to_json([entry.to_dict() for entry in listed]))
    else:
        terminal.print_text(catalogue_table(listed, by_family=not name_filter))


@click.command()
@click.argument("source", metavar="NAME|URL")
@click.option("-o", "--output", "out", metavar="FILE|FOLDER", type=click.Path(), default=".",
              help="Where to put it; default: this folder, under its own name.")  # fmt: skip
@click.option("--progress/--no-progress", default=None, help="Show a progress bar; default: on a terminal.")
@json_option
def download(source: str, out: str, progress: bool | None, as_json: bool) -> None:
    """Download vectors into a file.

    NAME is one of `glovestore catalogue`. Behind the URL of a zip archive, #MEMBER takes that one out of it, and
    downloads nothing else if the server can do that. What is interrupted goes on the next time; a file that is there
    already stays.

    \b
      glovestore download glove.6B.100d
      glovestore download cc.en.300.bin -o ~/vectors/
      glovestore download https://host/glove.6B.zip#glove.6B.100d.txt
    """
    with terminal.about_arguments():
        found = find(source)
        if found is None:
            raise terminal.DataError(unknown(source))
        path = Path(out)
        folder, filename = (path, None) if out.endswith(os.sep) or path.is_dir() else (path.parent, path.name)
        there = found.found(folder, filename)
        show = sys.stderr.isatty() if progress is None else progress
        path = found.fetch(folder, progress=show, filename=filename)
    result = {
        "name": found.name,
        "url": found.url,
        "member": found.member,
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": checked_sha256(found),
        "downloaded": there is None,
    }
    already = "" if there is None else ", which was there already"
    terminal.print_result(result, as_json, lambda: f"{path}: {human_bytes(path.stat().st_size)}{already}")


def unknown(source: str) -> str:
    """Return what to say of a name that is in no catalogue."""
    near = near_misses(source)
    meant = f"; did you mean {', '.join(near)}?" if near else "; `glovestore catalogue` lists the names"
    return f"expected a URL or a name of the catalogue, got {source!r}{meant}"


def checked_sha256(source: RemoteSource) -> str | None:
    """Return the SHA-256 that a download was compared with: the catalogue knows those of whole files."""
    return source.sha256 if source.member is None else None


def catalogue_table(listed: list[Entry], by_family: bool) -> str:
    """Return a line for each entry; `by_family`: one for all languages of a family, which is written as name.*.name."""
    rows: list[tuple[str, ...]] = [("name", "dim", "rows", "download", "licence", "")]
    families: set[str] = set()
    for entry in listed:
        if by_family and entry.family is not None:
            if entry.family in families:
                continue
            families.add(entry.family)
        rows.append(_row(entry, by_family))
    note = "\n\n*: a language, such as en; `glovestore catalogue cc.` lists them all" if families else ""
    return aligned(rows, "lrrrll") + note


def _row(entry: Entry, by_family: bool) -> tuple[str, ...]:
    in_family = by_family and entry.family is not None
    size = "?" if entry.size is None else human_bytes(entry.size)
    return (
        str(entry.family) if in_family else entry.name,
        str(entry.dim),
        "?" if entry.rows is None else f"{entry.rows:,}",
        f"< {size}" if entry.member is not None and entry.size is not None else size,
        entry.licence or "?",
        entry.description.partition("; language ")[0] if in_family else entry.description,
    )
