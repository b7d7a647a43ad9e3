"""What `glovestore coverage` shows: how much is there, what is missing, and which fallbacks to use."""

from __future__ import annotations

import json
from collections.abc import Sequence

from glovestore.display import aligned, visible
from glovestore.matrix.coverage import Coverage, share
from glovestore.matrix.doctor import Diagnosis, Win

SHOWN_MISSING = 20
SHOWN_CHARACTERS = 60  # of a token: texts may hold any number of them in a row


def advice(diagnosis: Diagnosis) -> str:
    """Return counts and shares, what fallbacks would find, the first of what is missing, and at the end what to use."""
    parts = [_counts(diagnosis.coverage)]
    if diagnosis.missing:
        parts += [*_wins(diagnosis), _missing(diagnosis)]
    if diagnosis.fallbacks:
        parts.append(_to_use(diagnosis))
    return "\n\n".join(parts)


def _counts(coverage: Coverage) -> str:
    """Return how many tokens are there and missing and, where that is known, how often they stand in texts."""
    known = None if coverage.occurrences is None else coverage.occurrences_found or 0
    unknown = None if coverage.occurrences is None or known is None else coverage.occurrences - known
    rows = [_cells("found", coverage.total - coverage.missing, known, coverage)]
    if coverage.by_rule:
        rows.append(_cells("  as they are", coverage.found, None, coverage))
        rows += [_cells(f"  by {rule}", count, None, coverage) for rule, count in coverage.by_rule.items()]
    rows.append(_cells("missing", coverage.missing, unknown, coverage))
    if coverage.occurrences is None:
        return aligned([("tokens", f"{coverage.total:,}", ""), *(row[:3] for row in rows)], "lrr")
    everything = ("all", f"{coverage.total:,}", "", f"{coverage.occurrences:,}", "")
    return aligned([_header(), everything, *rows], "lrrrr")


def _wins(diagnosis: Diagnosis) -> list[str]:
    """Return the lists of what each fallback would find alone, and of what each adds in the best order."""
    if not diagnosis.in_order:
        rules = ", ".join(win.fallback for win in diagnosis.alone)
        return [f"of the missing, no fallback ({rules}) would find any"]
    return [
        "of the missing, a fallback alone would find\n" + _win_table(diagnosis.alone, diagnosis.coverage),
        "in the best order, each would find on top of those before it\n"
        + _win_table(diagnosis.in_order, diagnosis.coverage),
    ]


def _win_table(wins: Sequence[Win], coverage: Coverage) -> str:
    rows = [
        (*_cells(f"--fallback {win.fallback}", win.tokens, win.occurrences, coverage), _example(win)) for win in wins
    ]
    if coverage.occurrences is None:
        return aligned([(*row[:3], row[5]) for row in rows], "lrrl", "  ")
    return aligned([(*_header(), ""), *rows], "lrrrrl", "  ")


def _example(win: Win) -> str:
    return "" if win.example is None else " as ".join(map(_shown, win.example))


def _shown(token: str) -> str:
    return visible(token) if len(token) <= SHOWN_CHARACTERS else visible(token[:SHOWN_CHARACTERS]) + "..."


def _header() -> tuple[str, ...]:
    return ("", "tokens", "", "occurrences", "")


def _cells(label: str, tokens: int, occurrences: int | None, coverage: Coverage) -> tuple[str, ...]:
    """Return a count of tokens and one of occurrences, each with its share; cells of what is not known are empty."""
    in_texts = ("", "")
    if occurrences is not None and coverage.occurrences is not None:
        in_texts = (f"{occurrences:,}", share(occurrences, coverage.occurrences))
    return (label, f"{tokens:,}", share(tokens, coverage.total), *in_texts)


def _missing(diagnosis: Diagnosis) -> str:
    """Return the first of the missing tokens; where their counts are known, the most frequent with these."""
    tokens = [_shown(token) for token in diagnosis.missing[:SHOWN_MISSING]]
    if diagnosis.missing_counts is None:
        lines = ["missing:", *(f"  {token}" for token in tokens)]
    else:
        counts = [f"{count:,}" for count in diagnosis.missing_counts[:SHOWN_MISSING]]
        lines = ["missing, the most frequent first:", aligned(zip(counts, tokens, strict=True), "rl", "  ")]
    hidden = len(diagnosis.missing) - len(tokens)
    return "\n".join([*lines, *([f"  ... and {hidden:,} more (--json lists all)"] if hidden else [])])


def _to_use(diagnosis: Diagnosis) -> str:
    """Return the fallbacks to use, as Python and the shell write them, and the coverage before and with them."""
    options = " ".join(f"--fallback {name}" for name in diagnosis.fallbacks)
    lines = ["use", f"  fallbacks={json.dumps(list(diagnosis.fallbacks))}", f"  {options}"]
    before, after = diagnosis.coverage, diagnosis.advised
    found = [share(coverage.total - coverage.missing, coverage.total) for coverage in (before, after)]
    lines.append(f"which finds {found[1]} of the tokens (now {found[0]})")
    if before.occurrences and before.occurrences_found is not None and after.occurrences_found is not None:
        known = [share(n, before.occurrences) for n in (before.occurrences_found, after.occurrences_found)]
        lines[-1] += f" and {known[1]} of their occurrences (now {known[0]})"
    return "\n".join(lines)
