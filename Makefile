# Every install goes through here, so that constraints.txt decides each version (torch above all).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: demo serve test test-all lint bench console clean

demo: $(VENV)/.base          ## fine-tune the model that ships, and see it change
	@$(BIN)/tunesmith demo

serve: $(VENV)/.base         ## the server on http://127.0.0.1:8000, data in ./tunesmith-data
	@$(BIN)/tunesmith serve

test: $(VENV)/.dev           ## the fast suite
	@$(BIN)/python -m pytest -m "not slow and not gpu"

test-all: $(VENV)/.dev lint  ## with the slow proofs
	@$(BIN)/python -m pytest -m "not gpu"

lint: $(VENV)/.dev           ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.bench        ## every figure of benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks.serve_throughput
	@$(BIN)/python -m benchmarks.gradient_check --table docs/reference/families.md
	@$(BIN)/python -m benchmarks.loss_memory
	@$(BIN)/python -m benchmarks.train_throughput
	@$(BIN)/python -m benchmarks.train_quality

console:                     ## build the web console, where its sources are
	@if [ -f console/package.json ]; then cd console && npm ci && npm run build; \
	else echo "This version has no web console."; fi

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

$(VENV)/.bench: $(VENV)/.base
	@$(PIP) install --constraint constraints.txt --editable '.[bench]'
	@touch $@
