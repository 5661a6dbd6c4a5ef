# Everything a fresh clone needs is Python 3.11 or later and make.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

WORKERS ?= 3# tests wait more than they compute

.PHONY: help demo test test-docs test-litdata lint format man reference screenshots bench-app \
	bench-editor bench-files bench-log bench-meters bench-probe bench-relay bench-reconnect \
	bench-carry bench-data bench-history bench-paint bench-terminals fuzz fuzz-editor torture torture-files clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/runs ## a whole studio with a real training run; no account, no network
	$(BIN)/studio-tui demo

test: $(VENV)/installed ## test servers, lint, types, tests
	scripts/test-servers.sh
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

# Not with the rest: the torchvision that litdata asks for fits to the torch of its own index alone,
# and one that does not fit keeps lightning from being imported. What is tested needs none.
test-litdata: $(VENV)/installed ## the inserted code that streams by litdata, which is installed for it
	$(PIP) install --quiet --no-deps 'litdata==0.2.76' 'obstore==0.12.1' 'tifffile==2026.3.3'
	$(BIN)/pytest tests/client/test_loading.py

test-docs: $(VENV)/installed ## type every command of README.md and docs/, take every lesson
	$(BIN)/pytest -n $(WORKERS) -m docs tests/docs

lint: $(VENV)/installed ## lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

man: $(VENV)/installed ## the manual page, from the commands themselves: build/man/studio-tui.1
	PYTHONPATH=. $(BIN)/python scripts/man_page.py build/man/studio-tui.1

bench-app: $(VENV)/installed ## what a person waits for: --help, first paint, one key
	$(BIN)/python scripts/bench_app.py

bench-editor: $(VENV)/installed ## what a key costs in a large file, against Textual's text area
	PYTHONPATH=. $(BIN)/python scripts/bench_editor.py

bench-files: $(VENV)/installed ## what opening, saving, listing and finding files take
	$(BIN)/python scripts/bench_files.py

bench-log: $(VENV)/installed ## a log of a million lines: opening it, going about in it, memory
	$(BIN)/python scripts/bench_log.py

bench-meters: $(VENV)/installed ## what the meters cost the app and the machine
	$(BIN)/python scripts/bench_meters.py

bench-paint: $(VENV)/installed ## what painting a shared terminal costs the app
	$(BIN)/python scripts/bench_paint.py

bench-probe: $(VENV)/installed ## what the Lightning probe costs a training
	$(BIN)/python scripts/bench_probe.py

bench-relay: $(VENV)/installed ## what a delivery costs the relay, with everything on
	$(BIN)/python scripts/bench_relay.py

bench-carry: $(VENV)/installed ## a folder to a second machine, against rsync -e ssh
	PYTHONPATH=. $(BIN)/python scripts/bench_carry.py

bench-data: $(VENV)/installed ## 10 000 keys, 1 GB down and up, against boto3; or BROKEN=5120, of 5 GB
	PYTHONPATH=. $(BIN)/python scripts/bench_data.py $(if $(BROKEN),--broken $(BROKEN))

bench-reconnect: $(VENV)/installed ## how soon everybody is back after an outage and a restart
	PYTHONPATH=. $(BIN)/python scripts/bench_reconnect.py

bench-history: $(VENV)/installed ## a paper's 260 000 edits, replayed from three clients
	$(BIN)/python scripts/bench_history.py

bench-terminals: $(VENV)/installed ## one key until it is seen elsewhere; a flood; ctrl+c in it
	PYTHONPATH=. $(BIN)/python scripts/bench_terminals.py

format: $(VENV)/installed ## format the code with ruff
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

reference: $(VENV)/installed ## docs/sdk.md and the types of sdk.sync, from the docstrings
	$(BIN)/python scripts/reference.py

screenshots: $(VENV)/installed ## docs/screenshots/, from a real studio with real people and trainings
	PYTHONPATH=. $(BIN)/python scripts/screenshots.py

SECONDS ?= 60
SEEDS ?= 200
STEPS ?= 300
LIVES ?= 200
ROUNDS ?= 50

fuzz: fuzz-editor $(VENV)/installed ## fuzz-editor, and SECONDS=60 of bytes from outside into the relay
	$(PIP) install --quiet 'atheris==3.*'
	PYTHONPATH=. $(BIN)/python scripts/fuzz_relay.py $(SECONDS)

fuzz-editor: $(VENV)/installed ## two editors and a raw peer at once: SEEDS=200 of STEPS=300 each
	EDITOR_FUZZ_SEEDS=$(SEEDS) EDITOR_FUZZ_STEPS=$(STEPS) \
		$(BIN)/pytest -q tests/app/widgets/test_editor_fuzz.py

torture: torture-files $(VENV)/installed ## torture-files, and kill -9 a relay LIVES=200 times
	PYTHONPATH=. $(BIN)/python scripts/torture_relay.py $(LIVES)

torture-files: $(VENV)/installed ## kill -9 host, relay or client in ROUNDS=50 saves: files stay whole
	PYTHONPATH=. $(BIN)/python scripts/torture_files.py $(ROUNDS)

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find relay_server studio_tui tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Four steps with a stamp each, so that a change of one dependency does not start from nothing, and
# whoever only tries the demo does not wait for what the tests need.

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --upgrade pip -c constraints.txt
	@touch $@

# torch by itself and first: no later choice can then bring another build of it.
$(VENV)/torch: $(VENV)/made
	$(PIP) install 'torch==2.13.*' -c constraints.txt
	@touch $@

$(VENV)/runs: $(VENV)/torch pyproject.toml constraints.txt
	$(PIP) install --quiet -e '.[train]' -c constraints.txt --build-constraint constraints.txt
	@touch $@

$(VENV)/installed: $(VENV)/runs
	$(PIP) install --quiet --group test --group lint -c constraints.txt --build-constraint constraints.txt
	@touch $@
