"""Plots of a run, from pytest-benchmark's JSON: `make bench-plot`, `make bench-growth`.

    python benchmarks/plot.py .benchmarks/sweep.json benchmarks/plots

sizes.svg: the time of every loader against the size of the text (test_sweep.py). tiers.svg: the throughput of a build
by SIMD tier and number of threads (test_tiers.py). lookups.svg: the time per token against the sizes of vocabulary and
store (test_growth.py). A plot of which the run has nothing is not made.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from plot_lookups import draw_lookups
from plot_style import FLOOR, OTHERS, OURS, SHADES, STYLE, Entry, is_floor, is_ours, label_ends, save


def draw_sizes(entries: Sequence[Entry], left_out: Sequence[Entry]) -> Figure:
    """Draw time against size, both logarithmic: a line for each loader, named at its end."""
    figure, axes = plt.subplots(figsize=(8.4, 5.6))
    others = iter(OTHERS * 3)
    lines = series_of(entries)
    notes = {entry["extra_info"]["labels"]["series"]: entry["extra_info"]["note"] for entry in left_out}
    ends = []
    for name, points in lines.items():
        colour = OURS if is_ours(name) else FLOOR if is_floor(name) else next(others)
        style = (
            {"linestyle": "--", "linewidth": 1.2} if is_floor(name) else {"linewidth": 2.4 if is_ours(name) else 1.5}
        )
        axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3.5, **style)
        ends.append((points[-1], name, notes.get(name, ""), colour))
    axes.set(xscale="log", yscale="log", xlabel=f"size of the text: {shapes(entries)}", ylabel="median time")
    scale_axes(axes, [point for points in lines.values() for point in points])
    label_ends(axes, ends)
    axes.set_title("Loading GloVe text: time against size")
    return figure


def series_of(entries: Sequence[Entry]) -> dict[str, list[tuple[float, float]]]:
    """Return the (MB, seconds) of each loader, by size."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for entry in sorted(entries, key=lambda entry: entry["extra_info"]["work"]):
        info = entry["extra_info"]
        lines.setdefault(info["labels"]["series"], []).append((info["work"], entry["stats"]["median"]))
    return lines


def shapes(entries: Sequence[Entry]) -> str:
    """Return what the files have in them, in words."""
    labels = [entry["extra_info"]["labels"] for entry in entries]
    rows, dims = ([f"{value:,}" for value in sorted({label[key] for label in labels})] for key in ("rows", "dim"))
    return f"{', '.join(rows)} rows of {', '.join(dims)} numbers"


def scale_axes(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Set limits and ticks at 1, 2, 5 of each decade for sizes, at 1 for times; a light grid."""
    sizes, seconds = ([point[axis] for point in points] for axis in (0, 1))
    axes.set_xlim(min(sizes) * 0.85, max(sizes) * 1.15)
    axes.set_ylim(min(seconds) * 0.6, max(seconds) * 4)
    axes.xaxis.set_major_locator(FixedLocator([step * 10.0**decade for decade in range(-4, 7) for step in (1, 2, 5)]))
    axes.yaxis.set_major_locator(FixedLocator([10.0**decade for decade in range(-6, 5)]))
    for axis, text in ((axes.xaxis, size_text), (axes.yaxis, time_text)):
        axis.set_major_formatter(FuncFormatter(lambda value, _, text=text: text(value)))
        axis.set_minor_locator(NullLocator())
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def size_text(megabytes: float) -> str:
    """Return a size in the unit that leaves it above 1."""
    return f"{megabytes / 1000:g} GB" if megabytes >= 1000 else f"{megabytes:g} MB"


def time_text(seconds: float) -> str:
    """Return a time in the unit that leaves it above 1."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:g} {unit}"
    return f"{seconds * 1e6:g} us"


def draw_tiers(entries: Sequence[Entry]) -> Figure:
    """Draw the throughput of a build: a group of bars for each tier, a bar for each number of threads."""
    figure, axes = plt.subplots(figsize=(8.4, 4.6))
    builds = {label_of(entry): rate_of(entry) for entry in entries if label_of(entry)[1]}
    floors = {label_of(entry)[0]: rate_of(entry) for entry in entries if not label_of(entry)[1]}
    draw_bars(axes, builds)
    draw_ceilings(axes, floors)
    axes.set_ylim(0, max([*builds.values(), *floors.values()]) * 1.12)
    axes.set_ylabel("GB of text a second, median")
    group = entries[0]["group"]
    axes.set_title(f"{group[0].upper()}{group[1:]}")
    return figure


def draw_bars(axes: Axes, builds: Mapping[tuple[str, int], float]) -> None:
    """Draw the bars, their figures above them."""
    tiers = list(dict.fromkeys(tier for tier, _ in builds))
    counts = sorted({threads for _, threads in builds})
    width = min(0.8 / len(counts), 0.3)
    for number, threads in enumerate(counts):
        places = [place + (number - (len(counts) - 1) / 2) * width for place in range(len(tiers))]
        heights = [builds[tier, threads] for tier in tiers]
        name = f"{threads} thread{'s' if threads > 1 else ''}"
        bars = axes.bar(places, heights, width * 0.92, color=SHADES[number % len(SHADES)], label=name)
        axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.set_xticks(range(len(tiers)), tiers)
    axes.set_xlim(-0.6, len(tiers) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.01, 0.99), ncols=len(counts))


def draw_ceilings(axes: Axes, floors: Mapping[str, float]) -> None:
    """Draw what the bytes alone take: the floor of the time is the ceiling of the throughput."""
    for name, rate in floors.items():
        axes.axhline(rate, color=FLOOR, linewidth=1.2, linestyle="--")
        text, right = f"{name.removeprefix('floor: ')}: {rate:.1f} GB/s", ("axes fraction", "data")
        axes.annotate(text, (1, rate), (0, 3), right, "offset points", ha="right", va="bottom", color=FLOOR)


def label_of(entry: Entry) -> tuple[str, int]:
    """Return the tier and the threads of a build, or the name of a floor and 0."""
    labels = entry["extra_info"]["labels"]
    return labels["series"], labels.get("threads", 0)


def rate_of(entry: Entry) -> float:
    """Return GB of text a second."""
    rate: float = entry["extra_info"]["work"] / entry["stats"]["median"] / 1000
    return rate


def draw_all(results: Mapping[str, Any], folder: Path, suffix: str) -> None:
    """Make the plots of a run."""
    found: dict[str, list[Entry]] = {}
    for entry in results["benchmarks"]:
        found.setdefault(entry["extra_info"].get("labels", {}).get("figure", ""), []).append(entry)
    folder.mkdir(parents=True, exist_ok=True)
    machine = results["machine_info"]["glovestore"]
    with plt.rc_context(STYLE):
        if "sizes" in found:
            save(draw_sizes(found["sizes"], results["left_out"]), folder / f"sizes.{suffix}", machine)
        if "tiers" in found:
            save(draw_tiers(found["tiers"]), folder / f"tiers.{suffix}", machine)
        if "lookups" in found:
            save(draw_lookups(found["lookups"]), folder / f"lookups.{suffix}", machine)


def main() -> None:
    """Make plots from the command line."""
    parser = argparse.ArgumentParser(description="Plot a run of the sweep.")
    parser.add_argument("results", type=Path, help="pytest-benchmark's JSON")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", choices=["svg", "png"], default="svg")
    options = parser.parse_args()
    draw_all(json.loads(options.results.read_bytes()), options.folder, options.format)


if __name__ == "__main__":
    main()
