# One command each; `make` lists them. Needs python3 (3.10 or newer) with venv, and make; no administrator.

PYTHON ?= python3
VENV ?= .venv
OUT ?= demo-out
PYTEST_ARGS ?=
WORKERS ?= 2

BIN := $(VENV)/bin
# written when the environment is complete, so that a broken or outdated set-up is done again
STAMP := $(VENV)/.relaylib-ready

NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

# files of tests side by side, which share the cores; pytest's status 5 says that PYTEST_ARGS asks for no test of the kind
THREADS = $$($(BIN)/python -c 'import os; print(max(1, (os.cpu_count() or 1) // $(WORKERS)))')
SIDE_BY_SIDE = OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest --durations 12 --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
OR_NONE = || test $$? -eq 5

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint format bench refresh clean distclean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Variables: PYTHON=$(PYTHON) VENV=$(VENV) OUT=$(OUT) WORKERS=$(WORKERS) PYTEST_ARGS=$(PYTEST_ARGS)"

setup: $(STAMP) ## make the environment in .venv, or bring it up to date

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "relaylib needs Python 3.10 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "$(PYTHON) cannot make an environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing relaylib and what it needs into $(VENV); the first time takes a few minutes."
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --editable ".[dev]"
	@touch $@

demo: setup ## train, detect and evaluate on speech that comes along, into demo-out/
	$(BIN)/python -m relaylib demo --out $(OUT)

test: setup ## run the tests, the examples in the docstrings, and the notebooks
	$(SIDE_BY_SIDE) -m "not workers and not alone" $(PYTEST_ARGS) $(OR_NONE)
	$(SIDE_BY_SIDE) -m workers $(PYTEST_ARGS) $(OR_NONE)
	$(BIN)/python -m pytest -m alone $(PYTEST_ARGS) $(OR_NONE)
ifneq ($(NOTEBOOKS),)
	$(SIDE_BY_SIDE) --nbval --nbval-current-env $(PYTEST_ARGS) notebooks
endif

lint: setup ## check style (ruff) and types (mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## put the code into the common format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## run the benchmarks, figures into benchmarks/out/
	@mkdir -p benchmarks/out
	@failed=; for script in $(BENCHMARKS); do \
		name=$$(basename $$script .py); echo "== $$name"; \
		$(BIN)/python $$script --json benchmarks/out/$$name.json || failed="$$failed $$name"; \
	done; \
	PYTHONPATH=benchmarks $(BIN)/python -m lib.table benchmarks/out; \
	if test -n "$$failed"; then echo "failed:$$failed" >&2; exit 1; fi

refresh: setup ## run the notebooks and the demo anew, and keep their outputs and the picture of the README
	$(BIN)/python scripts/refresh_demo.py

clean: ## remove caches and whatever the commands wrote, but not the environment
	rm -rf $(OUT) benchmarks/out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find relaylib tests benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean ## remove the environment as well
	rm -rf $(VENV)
