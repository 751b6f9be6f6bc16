# Two commands do all the set-up on a machine with git, make and Python 3.11 or newer:
#   make demo    the main job, visibly
#   make test    the test suite

# The newest interpreter that runs and has sqlite3: a shim of a version manager may be there and not work.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python3.14; do \
	$$name -c 'import sqlite3, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
DOCS_VENV := .venv-docs
DOCS_READY := $(DOCS_VENV)/.ready
# Everything is read anew: a page that has not changed may have lost what it links to.
SPHINX := $(DOCS_VENV)/bin/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going -d docs/_build/doctrees
WORKERS ?= auto

.PHONY: demo test test-all test-newest-sqlite torture real suite bench bench-quick docs docs-links lint types fix clean

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with sqlite3 found; set PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Preparing $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(READY)

$(BENCH_READY): pyproject.toml benchmarks/requirements.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with sqlite3 found; set PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Preparing $(BENCH_VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable . -r benchmarks/requirements.txt
	@touch $(BENCH_READY)

$(DOCS_READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with sqlite3 found; set PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Preparing $(DOCS_VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group docs
	@touch $(DOCS_READY)

demo: $(READY)  ## a small parallel suite on migrations/: cold, then warm
	@$(BIN)/python demo/show.py

test: $(READY)  ## the test suite, in random order, on all cores
	@$(BIN)/python -m pytest -n $(WORKERS)

test-all: $(READY)  ## the suite on every Python 3.11+ found, and with the oldest supported dependencies
	@PYTHONS="$(PYTHONS)" sh tests/all_pythons.sh

test-newest-sqlite:  ## the suite under the newest SQLite that PyPI has, on Linux
	@PYTHON="$(PYTHON)" sh tests/newest_sqlite.sh

torture: $(READY)  ## faults injected at every step, some 12 minutes: tests/torture/RESULTS.md; TORTURE="--rounds 2000" soaks
	@cd tests && ../$(BIN)/python -m torture $(TORTURE)

real: $(READY)  ## published packages with real histories, unchanged, each in its own environment
	@$(BIN)/python tests/real/run.py

suite: $(READY)  ## a published package's own tests, as shipped and on templatedb: same results, seconds of both
	@$(BIN)/python tests/real/package_suite.py

bench: $(BENCH_READY)  ## side by side with peers, one run of some 20 minutes: benchmarks/results/
	@$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

bench-quick: $(BENCH_READY)  ## the same tables from fewer rounds and sizes, in 5 minutes: benchmarks/results/quick/
	@$(BENCH_VENV)/bin/python -m benchmarks --quick $(BENCH)

docs: $(DOCS_READY)  ## the documentation as a site; a warning or a broken link inside it is an error
	@rm -rf docs/_build/html
	@$(SPHINX) --builder html docs docs/_build/html
	@echo "docs/_build/html/index.html"

docs-links: $(DOCS_READY)  ## ask for every address outside of the site that its pages link to; needs a network
	@$(SPHINX) --builder linkcheck docs docs/_build/links

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

fix: $(READY)  ## format, and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	@rm -rf $(VENV) .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis dist docs/_build docs/how-to/recipes docs/project
