# Everything a person or CI types. Needs Python >= 3.11 and PyPI; `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv --quiet
# The newest Python that the lock is tested with comes first; `make PYTHON=/path/to/python3` takes another.
PYTHONS := python3.13 python3.12 python3.11 python3
# Tests wait more than they compute. ARGS="-n 0" runs them one after the other, to look at one.
BESIDE := -n logical --maxprocesses 4 --dist worksteal
ARGS :=

.PHONY: help setup demo test check live bench bench-check lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## .venv with the locked dependencies and the costguard command

$(STAMP): requirements.lock pyproject.toml Makefile | $(BIN)/python
	@test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = "$(UV_VERSION)" || { \
		$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "installing the locked dependencies into $(VENV)"
	@$(UV) pip install --require-hashes -r requirements.lock
	@$(UV) pip install --no-deps -e .
	@touch $@

$(BIN)/python:
	@for python in $(or $(PYTHON),$(PYTHONS)); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "costguard needs Python 3.11 or newer; none of these is: $(or $(PYTHON),$(PYTHONS))" >&2; exit 1; \
	fi; \
	if ! $$found -m venv --clear $(VENV); then \
		echo "$$found cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi

demo: setup ## play a month of sample data through the whole system (ONCE=1 ends after the summary)
	@$(BIN)/costguard demo $(if $(filter-out 0,$(ONCE)),--once)

test: setup ## all tests, on the embedded broker and Redis (ARGS="-k budget" narrows)
	@$(BIN)/python -m pytest $(BESIDE) $(ARGS)

check: setup ## lint, types, import contracts and unit tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest $(BESIDE) -m "not live and not kafka" $(ARGS)

live: setup ## live tests against Apache Kafka and redis-server (fetched, or COSTGUARD_TEST_*_URL)
	@$(BIN)/python -m pytest $(BESIDE) -m kafka $(ARGS)

bench: setup ## benchmarks, one JSON line per figure (ARGS="simple --quick"; see docs/benchmarks.md)
	@$(BIN)/python -m bench $(ARGS)

bench-check: setup ## benchmarks against the recorded baseline; fails on a regression
	@$(BIN)/python -m bench --check $(ARGS)

lock: setup ## resolve pyproject.toml anew into requirements.lock (ARGS=--upgrade takes newer versions)
	@$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links $(ARGS) -o requirements.lock

clean: ## remove what was made here: environment, caches, data of the embedded default
	rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache var *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
