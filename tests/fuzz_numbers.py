"""Round millions of decimals in every SIMD tier and compare with whole numbers: `make fuzz`, `N=` decimals, `SEED=`.

Two thirds are next to a midpoint of two floats, with 0 to 20 places; the others have many digits, or an exponent. Not a
test of the suite: it takes a minute. Every block has its own seed, printed with the first decimal that comes out wrong.
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np
from decimals import INFINITY, Decimal, near_midpoints, nearest_bits, plain, with_exponent
from parsing import parse

from glovestore import _core

BLOCK = 21_000
DIMS = (1, 5, 8, 13, 100)


def draw(random_: random.Random) -> list[Decimal]:
    """Return a block of decimals, two thirds of them near midpoints, those of like length side by side."""
    decimals = [decimal for places in range(21) for decimal in near_midpoints(random_, BLOCK // 21 * 2 // 3, places)]
    decimals += plain(random_, BLOCK // 6, 17, range(16))
    decimals += with_exponent(random_, BLOCK // 6, range(-60, 40))
    decimals = [decimal for decimal in decimals if nearest_bits(*decimal[1:]) != INFINITY]
    return sorted(decimals, key=lambda decimal: decimal[0].find("."))


def check(random_: random.Random) -> int:
    """Parse one block in every tier; return how many decimals it had, or exit with those that are wrong."""
    dim = random_.choice(DIMS)
    decimals = draw(random_)
    decimals = decimals[: len(decimals) // dim * dim]
    signs = [random_.random() < 0.5 for _ in decimals]
    texts = [f"-{text}" if sign else text for (text, _, _), sign in zip(decimals, signs, strict=True)]
    bits = [nearest_bits(digits, power) | sign << 31 for (_, digits, power), sign in zip(decimals, signs, strict=True)]
    rows = ("t " + " ".join(texts[i : i + dim]) + "\n" for i in range(0, len(texts), dim))
    data, expected = "".join(rows).encode(), np.array(bits, np.uint32)
    for tier in _core.SIMD_TIERS:
        parsed = parse(tier, data, dim)
        found = parsed.values.view(np.uint32)
        if len(found) != len(expected):
            raise SystemExit(f"{tier}, dim {dim}: expected {len(expected)} numbers, got {parsed.result}")
        for i in np.flatnonzero(found != expected)[:5]:
            raise SystemExit(f"{tier}, dim {dim}: {texts[i]}: expected {bits[i]:#010x}, got {found[i]:#010x}")
    return len(texts)


def main(wanted: int, seed: int) -> None:
    """Go on until so many decimals were right."""
    start, done = time.monotonic(), 0
    while done < wanted:
        try:
            done += check(random.Random(seed))
        except SystemExit:
            print(f"SEED={seed} repeats this:", file=sys.stderr)
            raise
        seed += 1
    seconds = time.monotonic() - start
    print(f"{done:,} decimals, right in the tiers {', '.join(_core.SIMD_TIERS)}; {seconds:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
