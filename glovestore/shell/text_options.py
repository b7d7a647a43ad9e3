"""How a file of texts is read: the options that `train`, `evaluate` and `predict` share, and where errors point to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from glovestore.errors import TextFormatError
from glovestore.labelled import LabelledTexts, read_labelled
from glovestore.labelled.detecting import FORMATS, LABELLED
from glovestore.labelled.formats import Column

Command = TypeVar("Command", bound=Callable[..., Any])

SHOWN_BAD = 5
POSITION = re.compile(r"(?:texts|labels)\[(\d+)\]: (.*)", re.DOTALL)  # how the library names one of them


def column(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Column | None:
    """Return digits as a number, all else as the name that it is."""
    return int(value) if value is not None and value.isascii() and value.isdigit() else value


text_option = click.option("--text", metavar="COLUMN", callback=column, help="Column of the texts, by name or number.")
header_option = click.option("--header/--no-header", default=None, help="Whether the first row is one; default: look.")
encoding_option = click.option(
    "--encoding", default="auto", show_default=True, help='"auto" is UTF-8, and latin-1 for a line that is not.'
)


def format_option(labelled: bool) -> Callable[[Command], Command]:
    """Return the option --format."""
    names = LABELLED if labelled else tuple(FORMATS)
    default = "by the name, else by the first lines" if labelled else 'by the name, else "text", one a line'
    return click.option("--format", type=click.Choice(names), help=f"Format of the file; default: {default}.")


def labelled_options(command: Command) -> Command:
    """Give a command the options of `read_labelled`; it gets them as keywords."""
    for option in (
        click.option("--skip-bad-rows", is_flag=True, help="Leave bad rows out and count them, instead of stopping."),
        encoding_option,
        header_option,
        click.option("--label", metavar="COLUMN", callback=column, help="Column of the labels."),
        text_option,
        format_option(labelled=True),
    ):
        command = option(command)
    return command


READING = ("format", "text", "label", "header", "encoding", "skip_bad_rows")  # what `labelled_options` adds


def read(path: Path, options: dict[str, Any]) -> LabelledTexts:
    """Read labelled texts as the options say, and name the first bad rows on standard error."""
    given = {name: options[name] for name in READING if name != "skip_bad_rows"}
    found = read_labelled(path, **given, on_bad_row="skip" if options["skip_bad_rows"] else "error")
    for row in found.skipped[:SHOWN_BAD]:
        click.echo(f"glovestore: skipped: {found.path}:{row.line}: {row.problem}", err=True)
    if len(found.skipped) > SHOWN_BAD:
        click.echo(f"glovestore: skipped: {len(found.skipped) - SHOWN_BAD:,} more rows of {found.path}", err=True)
    return found


@contextmanager
def positions_as_lines(found: LabelledTexts) -> Iterator[None]:
    """Turn a ValueError about texts[i] or labels[i] into a TextFormatError that names the line."""
    try:
        yield
    except ValueError as error:
        match = POSITION.fullmatch(str(error))
        if match is None:
            raise
        raise TextFormatError(match[2], found.path, found.lines[int(match[1])]) from error
