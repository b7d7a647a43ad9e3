# make demo      the whole path on real vectors, from text to a classifier   (VECTORS=file: on your own file)
# make test      the test suite against the installed package                (ARGS="-k store": arguments for pytest)
# make lint      ruff, mypy, the stub of the extension against the extension, the compiler's warnings on the core
# make tidy      clang-tidy on ext/ and fuzz/; .clang-tidy has its checks                                (clang-tidy)
# make bench     benchmarks beside other libraries, and one table  (VECTORS=file, TEXTS=file, ARGS="-k open": for pytest)
# make bench-plot  time against file size, throughput by tier  (SWEEP=full: up to 5.6 GB; FOLDER=where the files go)
# make bench-growth  time per token against the sizes of vocabulary and store           (SWEEP=full: up to 10 M rows)
# make accuracy  what float16 and int8 cost on WordSim-353 and SimLex-999         (VECTORS=file, DATA=folder of both)
# make sanitize  the tests under the address and undefined-behaviour sanitizers
# make tsan      the tests of threads under the thread sanitizer                 (make sanitize-short: some of both)
# make coverage  lines and branches of the package, lines of the native core: one table; fails below 95 %
# make faults    every system call of whatever writes fails in turn, in every way, and 600 kills   (ARGS="-k cache")
# make fuzz      core and Python by libFuzzer, mutated stores, hard decimals     (TIME=60: seconds; N=100000, SEED=7; clang)
# make clean     remove what these commands made
#
# Each command makes a virtual environment of its own and installs the package into it, as a user would. A second run
# installs again only if a source changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# The checkout's glovestore/ must not hide the installed one: no current folder on sys.path, and the script pytest rather
# than `python -m pytest`.
export PYTHONSAFEPATH = 1

PYTHON ?= python3
VECTORS ?=
TEXTS ?=
ARGS ?=
N ?= 10_000_000
TIME ?= 60
SEED ?= 0
INSTALL = bin/pip install --disable-pip-version-check $(QUIET) --constraint constraints.txt
QUIET := $(shell test -t 2 || echo -qq) # pip's progress bars where somebody watches

# Folders are listed too: their time changes when a file is added or removed.
SOURCES := pyproject.toml setup.py constraints.txt README.md \
	$(shell find ext glovestore \( -name __pycache__ -o -name '*.so' \) -prune -o -print)

# setuptools packs whatever it finds in build/lib, modules that are gone from the source included.
FORGET_OLD_MODULES = find build* -path '*/lib*' -name '*.py' -delete 2>/dev/null || true

.PHONY: demo test lint tidy bench bench-plot bench-growth accuracy sanitize sanitize-short tsan coverage faults fuzz clean

demo: .venv-demo/installed
	@.venv-demo/bin/glovestore demo $(if $(VECTORS),--vectors '$(VECTORS)')

test: .venv-test/installed
	@.venv-test/bin/pytest $(ARGS)

WARNINGS = -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wold-style-cast -Iext -Ifuzz
lint: .venv-test/linters
	.venv-test/bin/ruff check
	.venv-test/bin/ruff format --check
	.venv-test/bin/mypy
	.venv-test/bin/stubtest --mypy-config-file pyproject.toml --allowlist .ci/stubtest-allowlist glovestore._core
	ls ext/*.cpp fuzz/*.cpp | xargs -P 4 -n 4 $(CXX) -std=c++17 -O2 -fsyntax-only $(WARNINGS)

# The compiler's flags are those of setup.py. What clang-tidy counts and suppresses in system headers is not shown.
TIDY_FLAGS = -std=c++17 -O3 -ffp-contract=off -fvisibility=hidden -Iext -Ifuzz
tidy:
	@command -v clang-tidy > /dev/null || \
		{ echo 'make tidy: expected clang-tidy, got none; on Debian: apt-get install clang-tidy' >&2; exit 2; }
	@echo "running clang-tidy on $(words $(wildcard ext/*.cpp fuzz/*.cpp)) files ..."
	@ls ext/*.cpp fuzz/*.cpp | xargs -P "$$(getconf _NPROCESSORS_ONLN)" -I FILE clang-tidy --quiet FILE -- $(TIDY_FLAGS) \
		2> >(grep -vE '^[0-9]+ warnings?( treated as errors?| generated\.$$)' >&2)

# Only our table is printed (benchmarks/table.py makes it again from the JSON); ARGS=-v adds pytest-benchmark's own.
BENCH_JSON = .benchmarks/latest.json
bench: .venv-bench/installed
	@mkdir -p $(dir $(BENCH_JSON))
	@.venv-bench/bin/pytest benchmarks --benchmark-only --benchmark-quiet --benchmark-json=$(BENCH_JSON) \
		$(if $(VECTORS),--vectors '$(VECTORS)') $(if $(TEXTS),--texts '$(TEXTS)') $(ARGS)

# Sizes are swept on generated files; tiers and threads are measured on VECTORS, or on a generated file of GloVe's shape.
SWEEP ?= small
FOLDER ?=
SWEEP_JSON = .benchmarks/sweep.json
bench-plot: .venv-bench/installed
	@mkdir -p $(dir $(SWEEP_JSON))
	@.venv-bench/bin/pytest benchmarks/test_sweep.py benchmarks/test_tiers.py --benchmark-only --benchmark-quiet \
		--benchmark-json=$(SWEEP_JSON) --sweep $(SWEEP) $(if $(FOLDER),--folder '$(FOLDER)') \
		$(if $(VECTORS),--vectors '$(VECTORS)',--rows 400000) $(ARGS)
	@PYTHONPATH=benchmarks .venv-bench/bin/python benchmarks/plot.py $(SWEEP_JSON) benchmarks/plots

GROWTH_JSON = .benchmarks/growth.json
bench-growth: .venv-bench/installed
	@mkdir -p $(dir $(GROWTH_JSON))
	@.venv-bench/bin/pytest benchmarks/test_growth.py --benchmark-only --benchmark-quiet \
		--benchmark-json=$(GROWTH_JSON) --sweep $(SWEEP) $(if $(FOLDER),--folder '$(FOLDER)') $(ARGS)
	@PYTHONPATH=benchmarks .venv-bench/bin/python benchmarks/plot.py $(GROWTH_JSON) benchmarks/plots

DATA ?=
accuracy: .venv-bench/installed
	@$(if $(and $(VECTORS),$(DATA)),,echo 'say VECTORS=file and DATA=folder' >&2; exit 2)
	@.venv-bench/bin/python benchmarks/accuracy.py '$(VECTORS)' --data '$(DATA)'

# The extension with the sanitizers stands in a folder of its own, first on the path; all else is .venv-test's. What cannot
# run under one of them says so beside the test (tests/sanitizing.py). Leaks of our own are test_leaks.py's business, for
# CPython and the libraries beside us hold memory until they end.
ASAN = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 PYTHONPATH='$(CURDIR)/build-sanitize/site'
TSAN = LD_PRELOAD="$$(gcc -print-file-name=libtsan.so)" TSAN_OPTIONS=exitcode=66 PYTHONPATH='$(CURDIR)/build-tsan/site'
SANITIZED_PYTEST = .venv-test/bin/pytest -p no:cacheprovider

sanitize: .venv-test/installed build-sanitize/installed
	@echo "running all tests under ASAN and UBSAN ..."
	@$(ASAN) $(SANITIZED_PYTEST) $(ARGS)

# What starts threads in the core, or shares a store among Python's.
TSAN_TESTS = $(patsubst %,tests/test_%.py,threads worker_threads workers ingest word2vec fasttext fasttext_damage \
	build_faults cache_processes dtypes export keeping labelled lookup matrix nearest oov stored streams_decoding strings \
	subwords targets vocabulary_blocks vocabulary_core)
tsan: .venv-test/installed build-tsan/installed
	@$(TSAN) $(SANITIZED_PYTEST) $(ARGS) $(TSAN_TESTS)

# For every change: what drives the core hardest. `make -j2` makes both builds at once, which take most of the time.
SHORT_SANITIZE = tests/test_fuzz.py::test_mutated_stores $(patsubst %,tests/test_%.py,core hostile hostile_dtypes \
	hostile_headers lookup strings subwords text_errors vocabulary_core)
SHORT_TSAN = $(patsubst %,tests/test_%.py,threads workers ingest) -k threads
sanitize-short: .venv-test/installed build-sanitize/installed build-tsan/installed
	@$(ASAN) $(SANITIZED_PYTEST) $(ARGS) $(SHORT_SANITIZE)
	@$(TSAN) $(SANITIZED_PYTEST) $(ARGS) $(SHORT_TSAN)

# Native lines are counted beside the object files, by every process that ends of its own accord. Left out are tests in
# which the package is not what runs (of benchmarks, of the fuzzers' own build, of source text), and those that look at
# what a process calls, loads or holds, where the measuring itself is seen. An empty home has no real data: the figures are the same
# everywhere. The table comes also where a test failed.
COVERED_TESTS = $(filter-out $(addprefix tests/test_, accuracy.py benchmark_helpers.py benchmarks.py coverage_table.py \
	faults.py fuzz.py layering.py package.py vectors_generator.py), $(wildcard tests/test_*.py)) \
	--deselect tests/test_cache_folder.py::test_hits_load_neither_locks_nor_readers \
	--deselect tests/test_workers.py::test_workers_share_one_copy
coverage: export HOME = $(CURDIR)/build-coverage/home
coverage: .venv-coverage/tools
	@mkdir -p $(HOME)
	@find build-coverage -name '*.gcda' -delete; rm -f .coverage .coverage.*
	@failed=0; .venv-coverage/bin/coverage run .venv-coverage/bin/pytest -p no:cacheprovider $(ARGS) $(COVERED_TESTS) || failed=$$?; \
	.venv-coverage/bin/coverage combine --quiet; \
	.venv-coverage/bin/coverage json --quiet -o build-coverage/python.json; \
	.venv-coverage/bin/gcovr --filter '(build-coverage/cython/)?ext/(?!_core).*pp$$' --json build-coverage/native.json build-coverage; \
	.venv-coverage/bin/python tests/coverage_table.py build-coverage/python.json build-coverage/native.json --least 95; \
	exit $$failed

faults: .venv-test/installed
	@FAULTS=all .venv-test/bin/pytest $(ARGS) tests/test_faults.py tests/test_build_faults.py

fuzz: .venv-test/fuzzers
	@.venv-test/bin/python fuzz/run.py --time $(TIME)
	@.venv-test/bin/python fuzz/stores.py --stores 1000000000 --seed $(SEED) --time $(TIME)
	@PYTHONPATH=tests .venv-test/bin/python tests/fuzz_numbers.py $(N) $(SEED)

clean:
	rm -rf .venv-demo .venv-test .venv-bench .venv-coverage build build-* glovestore.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv-demo/installed: EXTRAS = train
.venv-test/installed: EXTRAS = train,test
.venv-bench/installed: EXTRAS = train,test,bench

.venv-coverage/installed: EXTRAS = train,test
.venv-coverage/installed: export COVERAGE = 1
.venv-coverage/installed: export CXXFLAGS = -fprofile-update=atomic # threads count too

.venv-%/installed: $(SOURCES)
	@echo "$(@D): installing glovestore[$(EXTRAS)]; the first time, with its downloads, takes a few minutes ..."
	@$(FORGET_OLD_MODULES)
	@test -x $(@D)/bin/pip || $(PYTHON) -m venv $(@D)
	@$(@D)/$(INSTALL) '.[$(EXTRAS)]'
	@touch $@

# The installed package with another extension. A copied one would pass for up to date.
SWITCH_sanitize = SANITIZE=1
SWITCH_tsan = TSAN=1
build-%/installed: $(SOURCES) .venv-test/builders
	@echo "$(@D): building the extension for the sanitizer; takes a minute ..."
	@rm -rf $(@D)/site && mkdir -p $(@D)/site
	@cp -r .venv-test/lib/python3*/site-packages/glovestore* $(@D)/site
	@rm $(@D)/site/glovestore/_core.*.so
	@$(SWITCH_$*) .venv-test/bin/python setup.py -q build_ext --build-lib $(@D)/site
	@touch $@

.venv-test/builders: .venv-test/installed
	@$(@D)/$(INSTALL) setuptools cython
	@touch $@

.venv-test/linters: .venv-test/installed
	@echo "$(@D): installing the linters ..."
	@$(@D)/$(INSTALL) mypy ruff
	@touch $@

.venv-test/fuzzers: .venv-test/installed
	@echo "$(@D): installing atheris, where there is one for this Python: else mutations are random ..."
	@$(@D)/$(INSTALL) atheris || true
	@touch $@

.venv-coverage/tools: .venv-coverage/installed
	@echo "$(@D): installing coverage and gcovr ..."
	@$(@D)/$(INSTALL) coverage gcovr
	@touch $@
