"""Build the one extension, glovestore._core; everything else is in pyproject.toml.

Four environment switches, each with a build folder of its own so that no object file is shared between them:
SANITIZE=1 (address and undefined-behaviour sanitizers), TSAN=1 (thread sanitizer), COVERAGE=1 (gcov counters), DEBUG=1
(no optimisation, asserts).
"""

from __future__ import annotations

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SWITCHES = {
    "SANITIZE": (["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"],
                 ["-fsanitize=address,undefined"]),
    "TSAN": (["-O1", "-g", "-fno-omit-frame-pointer"], ["-fsanitize=thread"]),
    "COVERAGE": (["-O0", "-g"], ["--coverage"]),
    "DEBUG": (["-O0", "-g", "-UNDEBUG", "-D_GLIBCXX_ASSERTIONS"], []),
}  # fmt: skip


def enabled() -> list[str]:
    """Return the switches set to anything but empty or 0."""
    return [name for name in SWITCHES if os.environ.get(name, "0") not in ("", "0")]


def flags() -> tuple[list[str], list[str]]:
    """Return the compiler's and the linker's arguments. The bytes of a store must not depend on the machine or on
    the SIMD tier, hence no contraction into fused multiply-adds and never -march=native. Nothing but the module's
    entry is for others to see, hence hidden symbols.
    """
    if os.name == "nt":
        return ["/std:c++17", "/O2", "/EHsc", "/fp:precise"], []
    compile_args, link_args = ["-std=c++17", "-O3", "-ffp-contract=off", "-fvisibility=hidden"], ["-pthread"]
    for name in enabled():
        own, shared = SWITCHES[name]
        compile_args += own + shared
        link_args += shared
    return compile_args, link_args


def extension() -> Extension:
    """Return the extension: the Cython boundary and every C++ file beside it."""
    compile_args, link_args = flags()
    sources = sorted(path.as_posix() for path in Path("ext").glob("*.cpp"))
    core = Extension(
        "glovestore._core",
        ["ext/_core.pyx", *sources],
        include_dirs=["ext"],
        language="c++",
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    (core,) = cythonize([core], build_dir=f"{BUILD}/cython")  # generated C++ stays out of ext/
    included = (path for path in Path("ext").iterdir() if path.suffix in {".hpp", ".pxi"})
    core.depends = ["setup.py", *sorted(path.as_posix() for path in included)]
    return core


BUILD = "-".join(["build", *(name.lower() for name in enabled())])

setup(ext_modules=[extension()], options={"build": {"build_base": BUILD}})
