"""The parameters of `TextClassifier` as options. Their defaults are its own, read from its signature."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypeVar

import click

from glovestore.matrix.fallbacks import FALLBACKS

Command = TypeVar("Command", bound=Callable[..., Any])

TOKENIZERS = ("glove", "keras", "whitespace")
OOV = ("zeros", "mean", "normal", "unk", "subword")
EMBEDDINGS = ("tuned", "frozen", "random")
RNNS = ("lstm", "gru", "rnn")
POOLINGS = ("last", "mean", "max", "attention")

# Option, its type or further settings, and what it is, to which help adds the default.
OPTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("--tokenizer", {"type": click.Choice(TOKENIZERS)}, "How a text becomes tokens"),
    ("--oov", {"type": click.Choice(OOV)}, "Vectors of tokens that STORE lacks"),
    (
        "--fallback",
        {"type": click.Choice(list(FALLBACKS)), "multiple": True},
        "Look missing tokens up so, too; several",
    ),
    ("--embeddings", {"type": click.Choice(EMBEDDINGS)}, "What becomes of the vectors"),
    ("--rnn", {"type": click.Choice(RNNS)}, "Kind of RNN"),
    ("--units", {"type": int}, "Units a direction; default by the number of tokens"),
    ("--layers", {"type": int}, "Layers of the RNN"),
    ("--bidirectional/--one-way", {}, "Whether it reads in both directions"),
    ("--pooling", {"type": click.Choice(POOLINGS), "multiple": True}, "How outputs become one vector; several"),
    ("--dropout", {"type": float}, "Share that is left out in training"),
    ("--max-len", {"type": int}, "Tokens of a text that are read"),
    ("--epochs", {"type": int}, "How many at most; default by the number of tokens"),
    ("--batch-size", {"type": int}, "Texts a step"),
    ("--learning-rate", {"type": float}, "Of AdamW"),
    ("--clip", {"type": float}, "Largest norm of a gradient"),
    ("--averaging", {"type": float}, "Decay of the average of the weights; 0: none"),
    ("--patience", {"type": int}, "Epochs without a better one before training stops"),
    ("--class-weight", {"type": click.Choice(["balanced"])}, "Let rare labels weigh more; default: they do not"),
    ("--device", {}, "Where to train: cpu, cuda, ...; default: a GPU if there is one"),
    ("--seed", {"type": int}, "The same seed, the same model"),
)
RENAMED = {"fallback": "fallbacks", "seed": "random_state"}  # what is not called as the parameter is


def _parameter(option: str) -> str:
    name = option.partition("/")[0].removeprefix("--").replace("-", "_")
    return RENAMED.get(name, name)


PARAMETERS = tuple(_parameter(option) for option, _, _ in OPTIONS)
HELP = {_parameter(option): text for option, _, text in OPTIONS}


def estimator_options(command: Command) -> Command:
    """Give a command an option for each of PARAMETERS, which is None, or (), unless it is given."""
    for option, settings, text in reversed(OPTIONS):
        command = click.option(option, _parameter(option), default=None, help=f"{text}.", **settings)(command)
    return command


def given_parameters(options: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that were given, as `TextClassifier` takes them."""
    return {name: options[name] for name in PARAMETERS if options[name] not in (None, ())}


class EstimatorCommand(click.Command):
    """A command whose help names the estimator's defaults. It is imported for that, and only then."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help; without defaults where what the estimator needs is not installed."""
        try:
            from glovestore.classify import TextClassifier
        except ImportError:
            defaults: dict[str, Any] = {}
        else:
            parameters = signature(TextClassifier).parameters.items()
            defaults = {name: p.default for name, p in parameters if p.default is not Parameter.empty}
        for option in self.params:
            if isinstance(option, click.Option) and option.name in HELP:
                option.help = _help(option.name, defaults.get(option.name))
        super().format_help(ctx, formatter)


def _help(name: str, default: Any) -> str:
    if name == "bidirectional" and default is not None:
        default = "both" if default else "one"
    shown = ", ".join(map(str, default)) if isinstance(default, (tuple, list)) else default
    return f"{HELP[name]}." if shown in (None, "") else f"{HELP[name]}; default: {shown}."
