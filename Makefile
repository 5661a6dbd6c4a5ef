# Everything a fresh clone needs is Python 3.11 or later and make.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo test lint format clean

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/installed ## a whole studio with a real training run; no account, no network
	$(BIN)/studio-tui demo

test: $(VENV)/installed ## test servers, lint, types, tests
	scripts/test-servers.sh
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest

lint: $(VENV)/installed ## lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/installed ## put the code into the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find relay_server studio_tui tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Three steps with a stamp each, so that a change of one dependency does not start from nothing.

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --upgrade pip -c constraints.txt
	@touch $@

# torch by itself and first: no later choice can then bring another build of it.
$(VENV)/torch: $(VENV)/made
	$(PIP) install 'torch==2.13.*' -c constraints.txt
	@touch $@

$(VENV)/installed: $(VENV)/torch pyproject.toml constraints.txt
	$(PIP) install -e '.[train]' -c constraints.txt --build-constraint constraints.txt \
		--group test --group lint
	@touch $@
