"""`glovestore export`: a store in the format of others."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import glovestore
from glovestore.display import aligned
from glovestore.exporting.formats import FORMATS, choose_format
from glovestore.exporting.job import STDOUT
from glovestore.shell import terminal


def format_table() -> str:
    """Return the formats for the help, each with the suffixes that choose it."""
    rows = [(made.name, " ".join(made.suffixes), made.description) for made in FORMATS.values()]
    return aligned(rows, "lll", indent="  ")


HELP = f"""Write a store in another format.

OUT is a file, a folder, or - for standard output. Nothing is lost: what a format cannot hold is an error that names the
token, and OUT appears whole or not at all.

\b
Formats, and the suffixes of OUT that choose them:
{format_table()}

\b
  glovestore export glove.h5 glove.txt
  glovestore export glove.h5 model --format safetensors
  glovestore export glove.h5 - --format glove | gzip > glove.txt.gz
"""


@click.command(help=HELP)
@click.argument("path", metavar="STORE")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--format", "name", type=click.Choice(list(FORMATS)), help="The format, where OUT does not tell.")
@click.option("--overwrite", is_flag=True, help="Replace files, or an earlier export's folder. A store always stays.")
@click.option("--progress/--no-progress", default=None, help="Show a progress bar; default: on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def export(path: str, out: Path, name: str | None, overwrite: bool, progress: bool | None, as_json: bool) -> None:
    """Write a store in another format: the text that people read is HELP."""
    try:
        choose_format(out, name)
    except ValueError as error:
        raise click.UsageError(terminal.in_options(str(error))) from error
    if as_json and out == STDOUT:
        raise click.UsageError("--json prints on standard output, where - writes: expected one of them")
    show = sys.stderr.isatty() if progress is None else progress
    report = glovestore.export(path, out, name, overwrite=overwrite, progress=show)
    if out != STDOUT:
        terminal.print_result(report.to_dict(), as_json, lambda: str(report))
