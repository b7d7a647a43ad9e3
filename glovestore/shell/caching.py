"""`glovestore cache`: what was built of vectors files, and how to get rid of it."""

from __future__ import annotations

import time

import click

from glovestore import cache as cached
from glovestore.cache import Cleared, Entry
from glovestore.display import aligned, human_bytes, visible
from glovestore.shell import terminal

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


@click.group()
def cache() -> None:
    """Show or clear what was built of vectors files.

    Where a STORE is asked for and a vectors file is given, a store of it is built into the cache, once. The cache is in
    the folder that the environment variable GLOVESTORE_CACHE names, else among the user's caches. All of it has --json.

    \b
      glovestore cache list
      glovestore cache clear --stale
      GLOVESTORE_CACHE=/fast/disk glovestore info glove.6B.100d.txt
    """


@cache.command()
@json_option
def where(as_json: bool) -> None:
    """Print the cache's folder.

    \b
      glovestore cache where
    """
    folder = str(cached.where())
    terminal.print_result({"path": folder}, as_json, lambda: folder)


@cache.command("list")
@json_option
def list_entries(as_json: bool) -> None:
    """List what is in the cache.

    Each source with the size and the shape of its store, when that was built and last used (as far as the file system
    says), and whether the source is still the same: "current", "changed", "gone"; "incomplete" is what a build left
    that was killed.

    \b
      glovestore cache list
    """
    found = cached.entries()
    result = {"path": str(cached.where()), "entries": [entry.to_dict() for entry in found]}
    terminal.print_result(result, as_json, lambda: entries_table(found))


@cache.command()
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@click.option("--stale", is_flag=True, help="Remove only what is not current: its source was changed or is gone.")
@json_option
def clear(sources: tuple[str, ...], stale: bool, as_json: bool) -> None:
    """Remove all entries, or those of some sources.

    An archive stands for all its members. Entries that are being built stay, which is exit code 1, as is a SOURCE that
    has none.

    \b
      glovestore cache clear
      glovestore cache clear --stale
      glovestore cache clear glove.6B.100d.txt
    """
    done = cached.clear(sources or None, stale=stale)
    terminal.print_result(done.to_dict(), as_json, lambda: f"freed {human_bytes(done.nbytes)}: {_count(done.entries)}")
    if done.busy or done.absent:
        raise terminal.DataError(_what_is_left(done))


def entries_table(found: list[Entry]) -> str:
    """Return a line for each entry, and their sum."""
    head = ("state", "rows x dim", "size", "built", "used", "source")
    rows = [head, *map(_cells, found)] if found else []
    total = f"{_count(len(found))}, {human_bytes(sum(entry.nbytes for entry in found))} in {cached.where()}"
    return "\n".join([*([aligned(rows, "lrrlll")] if rows else []), total])


def _cells(entry: Entry) -> tuple[str, ...]:
    shape = "?" if entry.rows is None else f"{entry.rows:,} x {entry.dim}"
    source = visible(entry.source or str(entry.path))
    return (entry.state, shape, human_bytes(entry.nbytes), _day(entry.built), _day(entry.used), source)


def _day(seconds: float | None) -> str:
    return "?" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _count(entries: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"


def _what_is_left(done: Cleared) -> str:
    parts = [("being built, and left alone", done.busy), ("not in the cache", done.absent)]
    return "; ".join(f"{what}: {', '.join(map(visible, sources))}" for what, sources in parts if sources)
