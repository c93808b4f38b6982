# `make` alone explains itself. Everything runs in this clone's own .venv with the versions of requirements.lock.
.DEFAULT_GOAL := help
.PHONY: help setup demo ui test lint format lock bench clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PEERS := .venv/.peers
COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --no-strip-extras --quiet
export CREDIT_WAREHOUSE_HOME ?= $(CURDIR)/data
export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(STAMP) ## Make .venv and install the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, found {v[0]}.{v[1]}: call make PYTHON=/path/to/python3.12")'
	@echo "Installing the locked dependencies into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## Simulate a bank, run the pipeline, publish, query
	@$(BIN)/python -m pipeline.demo

ui: $(STAMP) ## Open Dagster on http://127.0.0.1:3000
	@$(BIN)/credit-warehouse ui

test: $(STAMP) ## Run all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP) ## Check format, style, types, SQL and definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests --processes 2 --disable-progress-bar

format: $(STAMP) ## Rewrite files in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/sqlfluff fix dbt_project/models dbt_project/tests --processes 2 --disable-progress-bar

lock: $(STAMP) ## Resolve requirements.lock anew from pyproject.toml
	@$(COMPILE) --extra dev --upgrade -o requirements.lock
	@$(COMPILE) --extra peers --constraint requirements.lock -o requirements-peers.lock

bench: $(STAMP) $(PEERS) ## Measure beside peers: ingestion, simulation, mining
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.simulate
	@$(BIN)/python -m benchmarks.mining

$(PEERS): requirements-peers.lock $(STAMP)
	@echo "Installing what the benchmarks measure against into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-peers.lock
	@touch $@

clean: ## Remove .venv and caches; the warehouse in data/ stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache dbt_project/target dbt_project/logs
