# Needs Python 3.11 or newer (with venv), git and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= auto

.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.user: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("tallybook needs Python 3.11 or newer: make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'
	$(PIP) -e '.[all]'
	@touch $@

$(VENV)/.dev: $(VENV)/.user
	$(PIP) -e '.[all]' --group dev
	@touch $@

demo: $(VENV)/.user  ## See it work without a key: emulator, sync over HTTP, result, page
	$(BIN)/tallybook demo

test: $(VENV)/.dev  ## Run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-slow: $(VENV)/.dev  ## Run the tests that take minutes: storms, kills, long lives
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist worksteal

lint: $(VENV)/.dev  ## Check style, types, layers and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

fix: $(VENV)/.dev  ## Format and mend what can be mended by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.user  ## Measure against named opponents, each in its own environment
	$(BIN)/python bench/run.py

pictures: $(VENV)/.dev  ## Make docs/gallery.md and examples/cookbook.ipynb anew
	$(BIN)/python docs/make_gallery.py
	$(BIN)/python docs/make_page.py
	$(BIN)/python docs/make_cookbook.py

web:  ## Check and build the page (needs Node 20 or newer)
	cd web && npm ci --no-audit --no-fund && npm run check && npm run build && npm run format:check

build: $(VENV)/.dev  ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build --outdir dist

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) dist build bench/.envs

.PHONY: help demo test test-slow lint fix bench pictures web build clean
