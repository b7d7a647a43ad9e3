"""What all verbs of the shell share: exit codes, messages, standard input and output."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from glovestore.display import printable
from glovestore.errors import GlovestoreError
from glovestore.matrix.positions import ResolvedVocab
from glovestore.shell.tables import to_json
from glovestore.shell.token_lists import split_tokens, vocab_from_file, vocab_from_text
from glovestore.tokens import first_few

INTERRUPTED, READER_LEFT = 130, 141  # what a shell reports for SIGINT and SIGPIPE
SHOWN_MISSING = 20

if TYPE_CHECKING:
    from glovestore.store import EmbeddingStore

# Messages of the library name its arguments. Here they are options.
OPTIONS = {
    "build with overwrite=True": "build with --overwrite",
    "say dim=": "say --dim",
    "export with overwrite=True": "export with --overwrite",
    "save with overwrite=True": "train with --overwrite",
    "write with overwrite=True": "write with --overwrite",
    "say missing=": "say --missing",
    "say how='concat'": "say --how concat",
    "give store=, or save with extra_tokens=": "give --store, or train with --extra-tokens",
    "say header=True or header=False": "say --header or --no-header",
    "say header=True": "say --header",
    "say text= and label=": "say --text and --label",
    "say text=": "say --text",
    "say label=": "say --label",
    "say format='gensim'": "say --format gensim",
    "say format=": "say --format",
    "as format= says": "as --format says",
    "say tokens=": "say --tokens",
    "expected no tokens=": "expected no --tokens",
    "say encoding=": "say --encoding",
    "oov='unk':": "--oov unk:",
    "oov='error':": "--oov error:",
    "oov='subword':": "--oov subword:",
    "try oov='mean'": "try --oov mean",
}


# ---------------------------------------------------------------------- errors


class DataError(click.ClickException):
    """An error about data: one message on standard error, exit code 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        """Print the message."""
        click.echo(f"glovestore: error: {printable(self.message)}", err=True)


class Shell(click.Group):
    """The group of all verbs: turns exceptions about data into messages, and leaves quietly when it has to.

    `elsewhere` maps verbs to the modules that have them as commands: what only they need is imported only for them.
    """

    def __init__(self, *arguments: Any, elsewhere: Mapping[str, str] = MappingProxyType({}), **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all verbs."""
        return sorted([*super().list_commands(ctx), *self.elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb, or None if there is none of that name."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(self.elsewhere[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb."""
        if sys.stderr is not None and sys.stderr.isatty():
            _show_log()
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _forget_output()
            ctx.exit(READER_LEFT)
        except KeyboardInterrupt:
            click.echo("glovestore: interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except (GlovestoreError, OSError, KeyError, MemoryError, ImportError) as error:
            _forget_output()
            raise DataError(sentence(error)) from error


def _show_log() -> None:
    """Print what the library says while somebody waits: that it builds a store first, or that another process does."""
    import logging

    class Printed(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            click.echo(f"glovestore: {record.getMessage()}", err=True)

    logger = logging.getLogger("glovestore")
    if not logger.handlers:
        logger.addHandler(Printed())
        logger.setLevel(logging.INFO)


def sentence(error: Exception) -> str:
    """Return an exception as a message, in terms of the shell."""
    if isinstance(error, OSError) and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}"
    # str(KeyError) is a repr
    message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return in_options("; ".join([message, *getattr(error, "__notes__", ())]))


def in_options(message: str) -> str:
    """Return a message of the library with the options that its arguments are here."""
    for argument, option in OPTIONS.items():
        message = message.replace(argument, option)
    return message


@contextmanager
def about_arguments() -> Iterator[None]:
    """Turn a ValueError, such as for a policy that this store cannot serve, into a DataError."""
    try:
        yield
    except ValueError as error:
        raise DataError(sentence(error)) from error


def opened(path: str, build: bool = True) -> EmbeddingStore:
    """Open what a verb was given; what can be no path or URL is a DataError."""
    import glovestore

    with about_arguments():
        return glovestore.open(path, build=build)


@contextmanager
def warnings_as_messages() -> Iterator[None]:
    """Print warnings, such as that about low coverage, like other messages and not with a line of source."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        click.echo(f"glovestore: warning: {printable(in_options(str(warning.message)))}", err=True)


def fail_for(missing: list[bytes], total: int) -> None:
    """Raise a DataError that names the missing of `total` tokens, if there are any."""
    if missing:
        named = first_few(missing, SHOWN_MISSING)
        raise DataError(f"{len(missing):,} of {total:,} tokens are not in the store: {named}")


def _forget_output() -> None:
    """Drop output that cannot be written (the reader left, the disk is full): Python would try again at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---------------------------------------------------------------------- input


def asked_tokens(arguments: tuple[str, ...]) -> list[bytes]:
    """Return the tokens of the command line, or those of standard input, one a line."""
    if arguments and arguments != ("-",):
        return [os.fsencode(token) for token in arguments]
    if not arguments and (sys.stdin is None or sys.stdin.isatty()):
        raise click.UsageError("expected TOKENS, or tokens on standard input, one a line")
    return split_tokens(_standard_input())


def asked_vocab(path: Path) -> ResolvedVocab:
    """Return the vocabulary in a file, or that of standard input for "-"."""
    if str(path) != "-":
        return vocab_from_file(path)
    with about_arguments():
        return vocab_from_text(_standard_input())


def asked_store_and_content(paths: tuple[str, ...], store: str | None, text: Path | None) -> tuple[str, Path]:
    """Return a store, and the vocabulary or the text to compare it with: of `paths`, --store and --text.

    A UsageError unless these are two.
    """
    given = [*([] if store is None else [store]), *paths, *([] if text is None else [str(text)])]
    if len(given) == 2:
        return given[0], Path(given[1])
    named = [*([] if store is None else [f"--store {store}"]), *paths]
    named += [] if text is None else [f"--text {text}"]
    got = ", ".join(named) or "nothing"
    raise click.UsageError(
        f"expected STORE VOCAB, or --text FILE --store STORE: one store and one of the others; got {got}"
    )


def _standard_input() -> bytes:
    return b"" if sys.stdin is None else sys.stdin.buffer.read()  # None: closed by whoever started us


def split_found(tokens: list[bytes], rows: NDArray[np.int64]) -> tuple[list[bytes], list[bytes]]:
    """Return the tokens that have a row, and those that have none."""
    pairs = list(zip(tokens, (rows >= 0).tolist(), strict=True))
    return [token for token, found in pairs if found], [token for token, found in pairs if not found]


# ---------------------------------------------------------------------- output


def print_text(text: str) -> None:
    """Print text, whatever is in it: characters that the output's encoding lacks are escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace"))


def print_result(result: Any, as_json: bool, table: Callable[[], str]) -> None:
    """Print a result as JSON or as its table."""
    print_text(to_json(result) if as_json else table())
