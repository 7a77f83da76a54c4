# Every target sets up what it needs in .venv; a second run changes nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet
# What an installation depends on: an edited Python file is picked up at once, an edited C file is built again.
SOURCES := pyproject.toml setup.py $(wildcard hierbrush/sim/core/*.[ch])
LINE := 永和九年

# Single-threaded array libraries: the tests run side by side, and so does training.
export OMP_NUM_THREADS ?= 1
export HIERBRUSH_FUZZ_SEED ?= 0

.PHONY: demo test results start test-slow test-faults lint sanitize fuzz bench clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hierbrush needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'On Debian: apt install python3-venv' >&2; exit 1; }

# The core package alone: all that writing needs.
$(VENV)/.core: $(SOURCES) | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

# What tests and training need too; it brings the core with it. Compiling all of Torch and Ray to bytecode takes minutes on
# a slow machine, and most of it is never imported.
$(VENV)/.dev: $(SOURCES) | $(BIN)/python
	$(INSTALL) --no-compile --editable '.[dev,train]'
	@touch $(VENV)/.core $@

demo: $(VENV)/.core
	@mkdir -p demo
	@$(BIN)/hierbrush write 永 -o demo/yong.png -o demo/yong.svg -o demo/yong.gif
	@$(BIN)/hierbrush write $(LINE) --layout horizontal -o demo/line.png -o demo/line.svg -o demo/line.gif
	@$(BIN)/hierbrush write $(LINE) --style mashan --layout horizontal -o demo/line-mashan.png
	@echo
	@echo 'How like their glyphs the characters just written are, and those of the controls:'
	@$(BIN)/hierbrush evaluate --text $(LINE)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2

# The tables of README.md and docs/ from docs/results/*.json; RESULTS="evaluate composer" measures these first.
results: $(VENV)/.dev
	$(BIN)/python -m hierbrush_build.results $(RESULTS)

# Every benchmark and example at a tiny size: those that `make test` leaves out because they start Ray or take longer.
start: $(VENV)/.dev
	$(BIN)/pytest -m slow -n 2 tests/benchmarks tests/test_examples.py

# Learning and other long-running tests.
test-slow: $(VENV)/.dev
	$(BIN)/pytest -m slow

# Processes and nodes of a local cluster are killed; prints what was lost.
test-faults: $(VENV)/.dev
	$(BIN)/pytest -m faults -rP

# The simulator's tests on a build with the address and undefined-behaviour sanitisers.
sanitize: $(VENV)/.dev
	tests/sim/sanitize.sh $(BIN)/python

# Hostile calls, damaged files, mutilated YAML: an hour in all, divided among the fuzzers. Seeds: make fuzz HIERBRUSH_FUZZ_SEED=7
FUZZ_SECONDS := 3600
fuzz: $(VENV)/.dev
	@count=$$($(BIN)/pytest tests/fuzz --collect-only -q | grep -c '::test_'); \
	HIERBRUSH_FUZZ_SECONDS=$$(($(FUZZ_SECONDS) / count)) $(BIN)/pytest tests/fuzz

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/bench_sim.py

clean:
	rm -rf $(VENV) build demo *.egg-info hierbrush/sim/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
