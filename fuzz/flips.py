"""Flip single bits of a store of any size, one at a time, and let `verify` find each.

    python fuzz/flips.py STORE [--flips N] [--seed N]

The store is copied first. Exit code 1 and the byte if a flip goes unnoticed, or is said to be where it is not.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

import glovestore

PLACE = re.compile(r"the checksum of bytes (\d+) to (\d+)")


def problem(path: Path, at: int) -> str | None:
    """Return what is wrong with the answer about a store whose byte `at` is another."""
    try:
        with glovestore.open(path) as store:
            store.verify()
    except glovestore.StoreFormatError as error:
        place = PLACE.search(str(error))
        if place and not int(place[1]) <= at < int(place[2]):
            return f"another place is named: {error}"
        return None
    return "nothing is found"


def flip(fd: int, at: int, bit: int) -> None:
    """Flip one bit of byte `at`."""
    (value,) = os.pread(fd, 1, at)
    os.pwrite(fd, bytes([value ^ 1 << bit]), at)


def main() -> int:
    """Flip and look, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(arguments.store, folder))
        size = path.stat().st_size
        fd = os.open(path, os.O_RDWR)
        for number in range(arguments.flips):
            at, bit = draw.randrange(size), draw.randrange(8)
            flip(fd, at, bit)
            wrong = problem(path, at)
            flip(fd, at, bit)
            if wrong:
                print(f"flip {number}: bit {bit} of byte {at} of {size:,}: {wrong}")
                return 1
        os.close(fd)
        glovestore.open(path).verify()
    print(f"{arguments.flips:,} flips in {size:,} bytes: each found, none said to be where it is not")
    return 0


if __name__ == "__main__":
    sys.exit(main())
