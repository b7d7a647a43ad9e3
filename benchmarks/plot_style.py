"""What the plots have in common: colours, names at the ends of lines, and how they are saved."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Entry = Mapping[str, Any]

OURS = "#c8102e"
FLOOR = "#555555"
OTHERS = ("#1f77b4", "#2a9d8f", "#8a6d3b", "#7b5ea7", "#6c7a89")
SHADES = ("#e2798a", OURS, "#8c0b20", "#57101c", "#2e0a10")  # by threads
NAME_HEIGHT = 13  # points
STYLE: Any = {  # matplotlib's own type for this is a list of every setting
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "svg.hashsalt": "glovestore",  # the same run, the same bytes
}


def is_ours(series: str) -> bool:
    """Tell glovestore from the others."""
    return series.startswith(("glovestore", "store."))


def is_floor(series: str) -> bool:
    """Tell the physical floors from the loaders."""
    return series.startswith("floor")


def label_ends(axes: Axes, ends: Sequence[tuple[tuple[float, float], str, str, str]]) -> None:
    """Name each line behind its last point; a line that stops before the others above it, and why it does.

    Names at the right that would touch are moved apart, upwards.
    """
    furthest = max(point[0] for point, *_ in ends)
    lowest = -math.inf
    for point, name, note, colour in sorted(ends, key=lambda end: end[0][1]):
        name_here = partial(axes.annotate, xy=point, textcoords="offset points", color=colour, annotation_clip=False)
        if point[0] < furthest:
            text = "\n".join([name.partition(" (")[0], *textwrap.wrap(note, 15)])
            name_here(text, xytext=(0, 7), ha="center", va="bottom", fontsize=8.5, linespacing=1.1)
        else:
            height = axes.transData.transform(point)[1] * 72 / axes.figure.dpi
            lowest = max(height, lowest + NAME_HEIGHT)
            weight = "bold" if is_ours(name) else "normal"
            name_here(name, xytext=(9, lowest - height), ha="left", va="center", fontweight=weight)


def save(figure: Figure, path: Path, machine: str) -> None:
    """Write a figure, with a line below it that says where and when it was measured."""
    unbreakable = re.sub(r"(?<![,;]) ", "\N{NO-BREAK SPACE}", machine)
    caption = "\n".join(textwrap.wrap(unbreakable, 140))
    figure.tight_layout()
    figure.text(0.012, -0.01, caption, fontsize=7, color="#777777", va="top")
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, bbox_inches="tight", pad_inches=0.12, metadata=metadata, dpi=110)
    plt.close(figure)
    print(path)
