"""The command `glovestore`: parse arguments, call the library, print.

Exit codes: 0; 1 for an error about data, with a message on standard error; 2 for wrong usage; 130 after Ctrl-C; 141
when whoever reads the output has left.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Literal

import click

import glovestore
from glovestore.display import human_seconds
from glovestore.exporting.text import glove_rows
from glovestore.format.layout import VECTORS
from glovestore.matrix.doctor import diagnose
from glovestore.matrix.fallbacks import FALLBACKS
from glovestore.matrix.oov import without_auto
from glovestore.shell import tables, terminal
from glovestore.shell.advice import advice
from glovestore.shell.corpus import vocab_from_corpus
from glovestore.shell.matrix_file import describe_matrix, find_save, write_matrix
from glovestore.sources.detecting import FORMATS
from glovestore.streams.lines import check_encoding
from glovestore.vocabulary.tokenizers import TOKENIZERS

ELSEWHERE = {
    "cache": "glovestore.shell.caching",
    "catalogue": "glovestore.shell.remote",
    "convert": "glovestore.shell.reshaping",
    "download": "glovestore.shell.remote",
    "evaluate": "glovestore.shell.predicting",
    "export": "glovestore.shell.exporting",
    "merge": "glovestore.shell.reshaping",
    "predict": "glovestore.shell.predicting",
    "slice": "glovestore.shell.reshaping",
    "train": "glovestore.shell.training",
}
BATCH = 256  # tokens that are looked up and printed at a time
OOV = ("auto", "zeros", "mean", "normal", "unk", "subword", "error")
DTYPES = ("float16", "float32", "float64")


def checked_output(ctx: click.Context, parameter: click.Parameter, path: Path) -> Path:
    """Refuse a name with another suffix than those that `matrix` can write: wrong usage."""
    try:
        find_save(path)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return path


def checked_encoding(ctx: click.Context, parameter: click.Parameter, encoding: str | None) -> str | None:
    """Refuse an encoding that Python does not know: wrong usage."""
    try:
        return None if encoding is None else check_encoding(encoding)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


file_path = click.Path(path_type=Path)
store_argument = click.argument("path", metavar="STORE")  # no Path: a URL would lose a slash
tokens_argument = click.argument("tokens", metavar="[TOKENS]...", nargs=-1)
vocab_argument = click.argument("vocab_path", metavar="VOCAB", type=file_path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
fallback_option = click.option(
    "--fallback",
    "fallbacks",
    multiple=True,
    type=click.Choice(list(FALLBACKS)),
    help="Look missing tokens up again in this spelling; may be given several times, tried in order.",
)


@click.group(
    cls=terminal.Shell,
    elsewhere=ELSEWHERE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="glovestore", message="glovestore %(version)s")
def main() -> None:
    """Pretrained word vectors, ready in no time.

    Build a store from a vectors file once; everything else opens it for free. Where a STORE is asked for, a vectors
    file will do: a store is built of it into a cache first, once.

    \b
      glovestore build glove.6B.100d.txt glove.h5
      glovestore nearest glove.h5 king queen
      glovestore matrix glove.h5 vocab.txt -o matrix.npy
      glovestore train train.tsv --store glove.h5 --test test.tsv --out model
    """


@main.command()
@click.argument("source", type=file_path)
@store_argument
@click.option("--dim", type=click.IntRange(min=1), help="Numbers in a row; default: what most of the first rows have.")
@click.option("--header/--no-header", default=None, help='Whether line 1 is "rows dim"; default: look.')
@click.option("--skip-bad-lines", is_flag=True, help="Leave bad lines out and count them, instead of stopping.")
@click.option(
    "--keep",
    "keep_path",
    metavar="FILE",
    type=file_path,
    help="Keep only the tokens of FILE, which is as VOCAB is for `matrix`.",
)
@click.option(
    "--order",
    type=click.Choice(["source", "given"]),
    default="source",
    show_default=True,
    help="Order of the rows: that of the source, or of --keep.",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Read only the first N rows.")
@click.option("--member", metavar="NAME", help="Which file of a zip archive; also ARCHIVE#NAME as SOURCE.")
@click.option("--format", type=click.Choice(FORMATS), help="What SOURCE is, or an error; default: told by its content.")
@click.option(
    "--tokens",
    "tokens_path",
    metavar="FILE",
    type=file_path,
    help="The tokens of the rows of a .npy or safetensors file: one a line, or JSON; default: look beside it.",
)
@click.option("--dtype", default="float32", show_default=True, type=click.Choice(list(VECTORS)),
              help="What vectors are kept in: int8 has a scale for each row.")  # fmt: skip
@click.option("--threads", metavar="N", type=click.IntRange(min=1), help="How many parse; default: one a core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing store. Any other file is never replaced.")
@click.option("--durable/--no-durable", default=True, help="Flush to disk before the store appears; default: yes.")
@click.option("--progress/--no-progress", default=None, help="Show a progress bar; default: on a terminal.")
@json_option
def build(
    source: Path,
    path: str,
    dim: int | None,
    header: bool | None,
    skip_bad_lines: bool,
    keep_path: Path | None,
    order: Literal["source", "given"],
    limit: int | None,
    member: str | None,
    format: str | None,
    tokens_path: Path | None,
    dtype: str,
    threads: int | None,
    overwrite: bool,
    durable: bool,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Build a store from a vectors file.

    SOURCE is text (GloVe's, word2vec's, fastText's) or word2vec's binary format, - for standard input, and may be
    compressed (gzip, zip, bzip2, xz, zstd); a .npy or safetensors file with its tokens beside it; a Parquet or Arrow
    file; the folder of a StaticEmbedding or of spaCy's vectors. A file that gensim saved runs code when it is loaded:
    it takes --format gensim. STORE appears whole or not at all.

    \b
      glovestore build glove.6B.100d.txt glove.h5
      glovestore build glove.6B.zip#glove.6B.50d.txt glove.h5
      glovestore build glove.840B.300d.zip small.h5 --keep vocab.txt
      glovestore build GoogleNews-vectors-negative300.bin.gz google.h5
      glovestore build matrix.npy store.h5 --tokens tokens.txt
      curl -L https://host/vectors.txt.gz | glovestore build - glove.h5
    """
    if order == "given" and keep_path is None:
        raise click.UsageError("--order given is the order of --keep: expected --keep FILE")
    if keep_path is not None and str(keep_path) == "-" == str(source):
        raise click.UsageError("expected SOURCE and --keep to come from two places, got - for both")
    keep = None if keep_path is None else terminal.asked_vocab(keep_path).tokens
    with terminal.about_arguments():
        report = glovestore.build(
            source,
            path,
            dim=dim,
            header="auto" if header is None else header,
            on_bad_line="skip" if skip_bad_lines else "error",
            keep=keep,
            order=order,
            limit=limit,
            member=member,
            format=format,
            tokens=tokens_path,
            dtype=dtype,
            threads=threads,
            overwrite=overwrite,
            durable=durable,
            progress=sys.stderr.isatty() if progress is None else progress,
        )
    terminal.print_result(report.to_dict(), as_json, lambda: str(report))


@main.command()
@store_argument
@json_option
def info(path: str, as_json: bool) -> None:
    """Say what is in a store, and where it came from.

    \b
      glovestore info glove.h5
    """
    with terminal.opened(path) as store:
        described = tables.describe(store)
    terminal.print_result(described, as_json, lambda: tables.info_table(described))


@main.command()
@store_argument
@tokens_argument
@json_option
def get(path: str, tokens: tuple[str, ...], as_json: bool) -> None:
    """Print vectors as GloVe text, which `build` takes.

    Without TOKENS, or with - alone, they come from standard input, one a line. Tokens that STORE lacks are named at
    the end, with exit code 1.

    \b
      glovestore get glove.h5 the of
      glovestore get glove.h5 < tokens.txt | glovestore build - small.h5
    """
    wanted = terminal.asked_tokens(tokens)
    with terminal.opened(path) as store:
        found, missing = terminal.split_found(wanted, store.rows(wanted))
        if as_json:
            vectors = [{"token": token, "vector": tables.short_floats(store[token])} for token in found]
            terminal.print_text(tables.to_json({"dim": store.dim, "vectors": vectors, "missing": missing}))
        else:
            for first in range(0, len(found), BATCH):
                batch = found[first : first + BATCH]
                click.echo(glove_rows(batch, store[batch]), nl=False)
    terminal.fail_for(missing, len(wanted))


@main.command()
@store_argument
@tokens_argument
@click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option(
    "--restrict-to",
    "among",
    metavar="FILE",
    type=file_path,
    help="Find only tokens of FILE, which is as VOCAB is for `matrix`.",
)
@json_option
def nearest(path: str, tokens: tuple[str, ...], k: int, among: Path | None, as_json: bool) -> None:
    """Print the nearest tokens, by cosine.

    Without TOKENS, or with - alone, they come from standard input, one a line. Tokens that STORE lacks are named at
    the end, with exit code 1.

    \b
      glovestore nearest glove.h5 king queen -k 5
      glovestore nearest glove.h5 king --restrict-to vocab.txt
    """
    if among is not None and str(among) == "-" and tokens in ((), ("-",)):
        raise click.UsageError("expected TOKENS and --restrict-to to come from two places, got - for both")
    allowed = None if among is None else terminal.asked_vocab(among)
    wanted = terminal.asked_tokens(tokens)
    results: list[tables.Neighbours] = []
    with terminal.opened(path) as store:
        found, missing = terminal.split_found(wanted, store.rows(wanted))
        for first in range(0, len(found), BATCH):
            batch = found[first : first + BATCH]
            results += map(tables.Neighbours, batch, store.nearest(batch, k, restrict_to=allowed))
    if as_json:
        listed = [result.to_dict() for result in results]
        terminal.print_text(tables.to_json({"k": k, "results": listed, "missing": missing}))
    elif results:
        terminal.print_text(tables.nearest_table(results))
    terminal.fail_for(missing, len(wanted))


@main.command()
@store_argument
@vocab_argument
@click.option("-o", "--output", "out", metavar="OUT", required=True, type=file_path, callback=checked_output,
              help="The file to write: .npy, .pt or .safetensors.")  # fmt: skip
@click.option("--oov", default="auto", show_default=True, type=click.Choice(OOV),
              help="Rows of missing tokens; auto: subword if STORE has subwords, else zeros.")  # fmt: skip
@fallback_option
@click.option("--dtype", default="float32", show_default=True, type=click.Choice(DTYPES))
@json_option
def matrix(
    path: str, vocab_path: Path, out: Path, oov: str, fallbacks: tuple[str, ...], dtype: str, as_json: bool
) -> None:
    """Write the matrix of a vocabulary.

    Row i is the vector of the token whose index is i. Prints how many tokens were found.

    VOCAB is a text file with one token a line (- for standard input), or a .json file: a saved Vocabulary, an object
    token -> index such as a word_index, or a list. OUT is .npy, .pt (a torch tensor) or .safetensors (the tensor
    "vectors").

    \b
      glovestore matrix glove.h5 vocab.txt -o matrix.npy
      glovestore matrix glove.h5 word_index.json -o matrix.pt --oov normal --fallback lower
    """
    vocab = terminal.asked_vocab(vocab_path)
    with terminal.opened(path) as store, terminal.about_arguments(), terminal.warnings_as_messages():
        oov = str(without_auto(oov, store.subwords is not None))
        made = store.matrix(vocab, oov=oov, fallbacks=fallbacks, dtype=dtype)
    description = describe_matrix(made, store.metadata, oov, fallbacks)
    write_matrix(out, made.array, description, [Path(path), vocab_path])
    result = {
        "path": str(out),
        "shape": made.shape,
        "dtype": dtype,
        "padding_idx": made.padding_idx,
        "oov": oov,
        "fallbacks": fallbacks,
        "coverage": made.coverage.to_dict(),
    }
    terminal.print_result(result, as_json, lambda: tables.matrix_summary(str(out), made))


@main.command()
@click.argument("paths", metavar="[STORE] [VOCAB]", nargs=-1)
@click.option("--text", metavar="FILE", type=file_path, help="A corpus instead of VOCAB: text, - for standard input.")
@click.option("--store", metavar="STORE", help="The store, where it is not the first argument.")
@click.option("--tokenizer", type=click.Choice(list(TOKENIZERS)), help="What makes tokens of --text; default: glove.")
@click.option("--encoding", metavar="NAME", callback=checked_encoding, help="Encoding of --text; default: utf-8.")
@fallback_option
@click.option("--progress/--no-progress", default=None, help="Show a progress bar for --text; default: on a terminal.")
@json_option
def coverage(
    paths: tuple[str, ...],
    text: Path | None,
    store: str | None,
    tokenizer: str | None,
    encoding: str | None,
    fallbacks: tuple[str, ...],
    progress: bool | None,
    as_json: bool,
) -> None:
    """Say how much of a vocabulary or a text is there.

    Prints also what is missing, how much of it each fallback would find, alone and in the best order, and which
    fallbacks to use. VOCAB is as for `matrix`; --text is a file with one text a line, and may be compressed as that of
    `build`: its tokens are counted.

    \b
      glovestore coverage glove.h5 vocab.txt
      glovestore coverage --text corpus.txt --store glove.h5
      zcat corpus*.gz | glovestore coverage --text - --store glove.h5 --tokenizer whitespace
    """
    path, content = terminal.asked_store_and_content(paths, store, text)
    if text is None and (tokenizer, encoding, progress) != (None, None, None):
        raise click.UsageError("--tokenizer, --encoding and --progress are about --text: expected --text FILE")
    show = sys.stderr.isatty() if progress is None else progress
    with terminal.opened(path) as opened, terminal.about_arguments():
        vocab: Any = (
            terminal.asked_vocab(content)
            if text is None
            else vocab_from_corpus(content, tokenizer or "glove", encoding or "utf-8", show)
        )
        diagnosis = diagnose(vocab, opened.rows, fallbacks)
    terminal.print_result(diagnosis.to_dict(), as_json, lambda: advice(diagnosis))


@main.command()
@store_argument
@click.option("--quick", is_flag=True, help="Only the structure: the file's size and its header.")
@click.option("--hdf5", is_flag=True, help="Also compare HDF5's own description of the arrays, in a child process.")
@json_option
def verify(path: str, quick: bool, hdf5: bool, as_json: bool) -> None:
    """Read all of a store and check it.

    That is, every block's checksum and every token's way through the index. Damage is exit code 1, and a message that
    names the array and the rows.

    \b
      glovestore verify glove.h5
      glovestore verify glove.h5 --hdf5
    """
    start = time.perf_counter()
    try:
        with terminal.opened(path, build=False) as store:
            store.verify(quick=quick, hdf5=hdf5)
    except glovestore.StoreFormatError as error:
        if as_json:
            terminal.print_text(tables.to_json({"ok": False, "path": error.path, "problem": error.problem}))
        raise
    seconds = time.perf_counter() - start
    result = {"ok": True, "path": str(store.path), "bytes": store.nbytes, "seconds": seconds}
    terminal.print_result(result, as_json, lambda: f"ok: {path}: {store.nbytes:,} bytes in {human_seconds(seconds)}")


@main.command()
@click.option("--vectors", metavar="FILE", type=file_path, help="GloVe text of your own, not the sample.")
@json_option
def demo(vectors: Path | None, as_json: bool) -> None:
    """Show the whole path on real vectors, with times.

    That is, from GloVe text to a store, to nn.Embedding, to a text classifier. Uses the sample that ships with the
    package, the first 15,000 rows of glove.6B.100d, and docstrings of installed packages. What it writes goes into a
    temporary folder, which is removed at the end.

    \b
      glovestore demo
      glovestore demo --vectors glove.6B.300d.txt
    """
    from glovestore.shell.demo import run_demo

    results = run_demo(vectors, say=(lambda text: None) if as_json else terminal.print_text)
    if as_json:
        terminal.print_text(tables.to_json(results))
