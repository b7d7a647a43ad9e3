"""`glovestore convert`, `slice` and `merge`: stores made of stores."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from glovestore import reshaping
from glovestore.format.layout import VECTORS
from glovestore.reshaping.merging import HOW, WHICH
from glovestore.reshaping.slicing import MISSING
from glovestore.shell import terminal

file_path = click.Path(path_type=Path)
store_argument = click.argument("path", metavar="STORE")


def writing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all of these have."""
    options = [
        click.option("-o", "--output", "out", metavar="OUT", required=True, type=file_path, help="The store to write."),
        click.option("--overwrite", is_flag=True, help="Replace an existing store. Any other file is never replaced."),
        click.option("--durable/--no-durable", default=True, help="Flush to disk before OUT appears; default: yes."),
        click.option("--progress/--no-progress", default=None, help="Show a progress bar; default: on a terminal."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@store_argument
@click.option("--dtype", required=True, type=click.Choice(list(VECTORS)), help="What vectors are kept in.")
@writing_options
def convert(path: str, dtype: str, out: Path, as_json: bool, **options: Any) -> None:
    """Write a store with its vectors in another dtype.

    float16 takes half the bytes, int8 (with a scale for each row) a quarter. Look-ups give float32 all the same.

    \b
      glovestore convert glove.h5 --dtype float16 -o half.h5
      glovestore convert glove.h5 --dtype int8 -o small.h5
    """
    report = reshaping.convert(path, out, dtype=dtype, **_shown(options))
    terminal.print_result(report.to_dict(), as_json, lambda: str(report))


@click.command("slice")
@store_argument
@click.option("--vocab", "vocab_path", metavar="FILE", required=True, type=file_path,
              help="The tokens: one a line, or .json, as VOCAB is for `matrix`; - for standard input.")  # fmt: skip
@click.option("--missing", default="error", show_default=True, type=click.Choice(MISSING),
              help="Tokens that STORE lacks: stop, leave them out, or fill their rows.")  # fmt: skip
@writing_options
def slice(path: str, vocab_path: Path, missing: Any, out: Path, as_json: bool, **options: Any) -> None:
    """Write a store of the tokens of a vocabulary.

    Row i is the vector of token i, so that ids of the vocabulary are rows of the new store.

    \b
      glovestore slice glove.h5 --vocab vocab.txt -o small.h5
      glovestore slice glove.h5 --vocab word_index.json -o small.h5 --missing normal
    """
    vocab = terminal.asked_vocab(vocab_path)
    with terminal.about_arguments(), terminal.warnings_as_messages():
        report = reshaping.slice(path, out, vocab, missing=missing, **_shown(options))
    terminal.print_result(report.to_dict(), as_json, lambda: str(report))


@click.command()
@click.argument("paths", metavar="STORE STORE...", nargs=-1, required=True)
@click.option("--how", default="first", show_default=True, type=click.Choice(HOW),
              help="first: of equal tokens the first row; concat: all vectors of a token side by side.")  # fmt: skip
@click.option("--tokens", type=click.Choice(WHICH),
              help="With --how concat: tokens common to all (the default), or all, with zeros for gaps.")  # fmt: skip
@writing_options
def merge(paths: tuple[str, ...], how: Any, tokens: Any, out: Path, as_json: bool, **options: Any) -> None:
    """Write one store of several.

    \b
      glovestore merge mine.h5 glove.h5 -o both.h5
      glovestore merge glove.h5 fasttext.h5 --how concat -o wide.h5
    """
    if len(paths) < 2:
        raise click.UsageError("expected two stores or more, got one")
    if tokens is not None and how != "concat":
        raise click.UsageError("--tokens is about --how concat: expected --how concat")
    with terminal.warnings_as_messages():
        report = reshaping.merge(paths, out, how=how, tokens=tokens, **_shown(options))
    terminal.print_result(report.to_dict(), as_json, lambda: str(report))


def _shown(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with a bar where somebody watches."""
    progress = options["progress"]
    return options | {"progress": sys.stderr.isatty() if progress is None else progress}
