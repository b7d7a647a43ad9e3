"""The model card: a README for whoever finds the folder of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WAYS = {
    "store": "with the store that it was trained with",
    "extra": "with the {extra:,} tokens of that store that are in this folder",
    "closed": "with the tokens of the training texts only",
}


def model_card(config: Mapping[str, Any]) -> str:
    """Return the card, in Markdown, for what config.json holds."""
    store, labels, training = config["store"], config["labels"]["values"], config["training"]
    found = training["coverage"]["total"] - training["coverage"]["missing"]
    parameters = "\n".join(f"| {name} | `{value!r}` |" for name, value in config["parameters"].items())
    return f"""# A text classifier

An RNN that sorts texts into {len(labels)} classes, trained by glovestore {config["glovestore"]} on
{training["texts"]:,} texts with the vectors of `{store["source"]}` ({store["rows"]:,} x {store["dim"]}, fingerprint
{store["fingerprint"]}).

    from glovestore.classify import TextClassifier
    TextClassifier.load("this folder").predict(texts)

or `glovestore predict FOLDER texts.txt`. Labels: {", ".join(f"`{label}`" for label in labels)}.

## How accurate it is

{_accuracies(config)}

{_unseen(config)}

## How it was made

The best of {len(training["history"])} epochs was number {training["best_epoch"]}; {found:,} of
{training["coverage"]["total"]:,} tokens of the training texts are in the store.

| parameter | value |
|---|---|
{parameters}

Weights are in `model.safetensors`, tokens in `vocabulary.json`, everything else in `config.json`.
"""


def _accuracies(config: Mapping[str, Any]) -> str:
    if not config["accuracy"]:
        return "It was trained without validation texts, so nobody has measured it."
    lines = ["| texts | how | accuracy |", "|---|---|--:|"]
    for texts, ways in config["accuracy"].items():
        how_many = f"{texts}, {ways['texts']:,}"
        for way, description in WAYS.items():
            if way in ways:
                lines.append(f"| {how_many} | {description.format(extra=config['extra_tokens'])} | {ways[way]:.4f} |")
    return "\n".join(lines)


def _unseen(config: Mapping[str, Any]) -> str:
    """Return what becomes of tokens that were not seen in training."""
    if config["extra_tokens"]:
        own = f"their vectors among the store's first {config['extra_tokens']:,}, which are in `tokens.h5`"
        return f"Tokens that were not seen in training take {own}, or the store's where `load` is given the store."
    return (
        "Tokens that were not seen in training take the store's vectors: `load` looks for it where it was, or is given"
        " it. Without the store they take vectors by the rule of `oov`."
    )
