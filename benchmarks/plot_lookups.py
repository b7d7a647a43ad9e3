"""The plot of look-ups: time per token against the size of the vocabulary, and of the store, in two panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from plot_style import OTHERS, OURS, Entry, is_ours, label_ends

Line = list[tuple[float, float]]
MATRIX = ("matrix", "take")  # how series end that gather vectors too: dashed


def draw_lookups(entries: Sequence[Entry]) -> Figure:
    """Draw a panel for each thing that grows, times on one scale; the lines are named at the right."""
    panels = list(dict.fromkeys(entry["extra_info"]["labels"]["panel"] for entry in entries))
    figure, all_axes = plt.subplots(1, len(panels), figsize=(10.2, 4.8), sharey=True, squeeze=False)
    times = [nanoseconds(entry) for entry in entries]
    for axes, panel in zip(all_axes[0], panels, strict=True):
        members = [entry for entry in entries if entry["extra_info"]["labels"]["panel"] == panel]
        grows = "tokens" if len({entry["extra_info"]["labels"]["rows"] for entry in members}) == 1 else "rows"
        lines = lines_of(members, grows)
        draw_lines(axes, lines)
        axes.set_title(panel[:1].upper() + panel[1:])
        axes.set_xlabel(f"{grows}{fixed_part(members, grows)}")
        scale_axes(axes, [point[0] for line in lines.values() for point in line], times)
    all_axes[0][0].set_ylabel("median time per token")
    label_ends(all_axes[0][-1], ends(lines))
    return figure


def nanoseconds(entry: Entry) -> float:
    """Return the time per token."""
    time: float = entry["stats"]["median"] * 1e9 / entry["extra_info"]["work"]
    return time


def lines_of(entries: Sequence[Entry], grows: str) -> dict[str, Line]:
    """Return the (size, nanoseconds) of each series, by size."""
    lines: dict[str, Line] = {}
    for entry in sorted(entries, key=lambda entry: entry["extra_info"]["labels"][grows]):
        labels = entry["extra_info"]["labels"]
        lines.setdefault(labels["series"], []).append((labels[grows], nanoseconds(entry)))
    return lines


def fixed_part(entries: Sequence[Entry], grows: str) -> str:
    """Say what stays the same in a panel."""
    labels = entries[0]["extra_info"]["labels"]
    store = f", in a store of {labels['rows']:,} x {labels['dim']}"
    return store if grows == "tokens" else f" of the store, x {labels['dim']}; {labels['tokens']:,} tokens"


def colour_of(series: str) -> str:
    """Return a colour that tells ours from the others'."""
    return OURS if is_ours(series) else OTHERS[0]


def draw_lines(axes: Axes, lines: Mapping[str, Line]) -> None:
    for series, points in lines.items():
        gathers = series.endswith(MATRIX)
        axes.plot(
            *zip(*points, strict=True),
            color=colour_of(series),
            marker="o",
            markersize=3.5,
            linestyle="--" if gathers else "-",
            linewidth=2.0 if is_ours(series) else 1.5,
        )


def ends(lines: Mapping[str, Line]) -> list[tuple[tuple[float, float], str, str, str]]:
    """Return the last point, the name, no note, and the colour of each line."""
    return [(points[-1], series, "", colour_of(series)) for series, points in lines.items()]


def scale_axes(axes: Axes, sizes: Sequence[float], times: Sequence[float]) -> None:
    """Set both axes to logarithms, ticks at each decade of the sizes and at 1, 2, 5 of the times; a light grid."""
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(min(sizes) * 0.8, max(sizes) * 1.25)
    axes.set_ylim(min(times) * 0.8, max(times) * 1.25)
    axes.xaxis.set_major_locator(FixedLocator([10.0**decade for decade in range(1, 9)]))
    axes.yaxis.set_major_locator(FixedLocator([step * 10.0**decade for decade in range(6) for step in (1, 2, 5)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: size_text(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f} ns"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def size_text(size: float) -> str:
    """Return a number with its thousands or millions as a letter."""
    for letter, scale in (("M", 1e6), ("k", 1e3)):
        if size >= scale:
            return f"{size / scale:g} {letter}"
    return f"{size:g}"
