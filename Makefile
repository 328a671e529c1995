# make install   a virtual environment in .venv
# make demo      play a synthetic market day
# make test      the whole gate
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,$(shell \
	$(p) -c 'import sys; print("$(p)" * (sys.version_info >= (3, 11)))' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PACKAGES := app core models sessions
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadgroup
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test lint style format types imports interpreted compiled warm nightly bench constraints clean

help:
	@sed -n 's/^# //p' Makefile

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "tapedeck needs Python 3.11 or newer and found none; name one: make install PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tapedeck needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing into $(VENV) (a minute the first time)" >&2
	@$(PIP) --editable '.[dev,web]'
	@touch $@

demo: install
	@$(BIN)/tapedeck demo

# Cheap checks first; the run with compiled kernels last, so that its verdict is the last line.
test: lint interpreted compiled

lint: style types imports

style: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install
	$(BIN)/mypy --strict $(PACKAGES)

imports: install
	$(BIN)/lint-imports

interpreted: install
	NUMBA_DISABLE_JIT=1 $(PYTEST) -m 'not nightly and not jit_only' tests/unit/core tests/property

# Workers that compile the same kernel at the same moment undo each other's cache: compile once before.
warm: install
	@$(BIN)/tapedeck doctor --warm >/dev/null

compiled: warm
	$(PYTEST)

nightly: warm
	$(BIN)/python -m pytest -q -m nightly
	TAPEDECK_EXPLORE=1 $(PYTEST) tests/property tests/unit

bench: $(VENV)/installed-bench
	for script in $$(grep -l __main__ tests/bench/*.py); do echo "$$script" && $(BIN)/python "$$script" || exit 1; done

$(VENV)/installed-bench: $(INSTALLED)
	@$(PIP) --editable '.[dev,web,bench]'
	@touch $@

# Resolve everything anew and keep the versions.
constraints:
	rm -rf build/resolve && $(PYTHON) -m venv build/resolve
	build/resolve/bin/python -m pip --disable-pip-version-check install --quiet '.[dev,web,bench]'
	build/resolve/bin/python -m pip --disable-pip-version-check freeze --exclude tapedeck | LC_ALL=C sort -f > constraints.txt
	rm -rf build/resolve

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
