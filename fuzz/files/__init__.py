"""Files that the Python layer reads, as targets to fuzz: what each begins with, and what is done with any bytes.

A target's input is one byte that says which kind of file the others are, then that file. What comes out must be a
result, or an error that is promised for such a file; `use` raises anything else. Nothing may be run, unpickled, fetched
or written outside the target's folder meanwhile (`Watch`), and none of it may take a gigabyte.
"""

from __future__ import annotations

from files.command import Command
from files.model import Model
from files.store import CacheEntry, Header
from files.target import Target
from files.text import LabelledFile, VocabularyFile
from files.vectors import SpacyFolder, TokenList, VectorsFile

KINDS: tuple[type[Target], ...] = (
    Header, CacheEntry, VectorsFile, TokenList, SpacyFolder, VocabularyFile, LabelledFile, Model, Command,
)  # fmt: skip
TARGETS = {kind.name: kind for kind in KINDS}
