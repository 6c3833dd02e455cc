# `make` lists what there is. Every target sets up what it needs; a second run finds it done.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= var
# More words for pytest: make test ARGS='tests/pool -k lease'
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
APPS := tests/tag/apps
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet
# Hashes of every platform, and no word about where packages come from.
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --all-build-deps --strip-extras \
  --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

# Files of tests live in memory where there is room: they make thousands of databases, none of which outlives them.
MEMORY := $(shell [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }')" -gt 6000000 ] 2>/dev/null && echo TMPDIR=/dev/shm)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules
.PHONY: help run test check stress bench screenshots format lock clean setup dev node apps chromium postgresql kamailio sipp wrk redisbenchmark

help: ## Show this list
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## Set up and serve a demo on http://HOST:PORT (PORT=8000 HOST=127.0.0.1 DATA=var)
	@exec $(BIN)/dni serve --demo --host '$(HOST)' --port '$(PORT)' --data-dir '$(DATA)'

test: dev apps chromium postgresql kamailio sipp ## Every test, in a real browser too (ARGS='tests/pool -k lease')
	$(MEMORY) $(BIN)/python -m pytest $(ARGS)

check: dev node postgresql ## Formatter, linter, types, tag, import rules, migrations, OpenAPI, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd snippet && npm run --silent check && npm test --silent
	$(BIN)/python -m pytest tests/checks

stress: dev apps chromium postgresql ## The long tests
	$(BIN)/python -m pytest -m stress $(ARGS)

bench: dev wrk redisbenchmark postgresql ## Benchmarks, as ratios of a bare server in the same run
	$(BIN)/python -m pytest -m bench --capture=no $(ARGS)

screenshots: dev chromium ## Take the README's pictures anew, of what `make run` serves
	$(BIN)/python -m tests.support.screenshots docs/img

format: dev ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: dev ## Renew requirements/*.txt from pyproject.toml (UPGRADE=1: to the newest versions)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra dev --constraint requirements/run.txt \
	  --output-file requirements/dev.txt pyproject.toml

clean: ## Remove what make has made; your data in DATA stays
	rm -rf $(VENV) snippet/node_modules snippet/.tests $(APPS)/node_modules $(APPS)/dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find dni tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. A stamp is newer than the lock that it stands for.

setup: $(VENV)/run.stamp
dev: $(VENV)/dev.stamp

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo 'dni needs Python 3.11 or newer: no $(PYTHON) on PATH' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "dni needs Python 3.11 or newer: $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo 'Making $(VENV)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo 'Installing packages'
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo 'Installing packages for development'
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@touch $@

# Programs that tests drive. Root on Debian gets them; anyone else is told what to install.
chromium postgresql kamailio sipp wrk redisbenchmark: dev
	@need=$$($(BIN)/python -m tests.support.programs $@); \
	if [ -z "$$need" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get -qq update && apt-get -qq install --yes --no-install-recommends $$need >/dev/null; \
	else \
	  echo "The tests need a real $@: install it (Debian: sudo apt-get install $$need) and try again" >&2; exit 1; \
	fi

node: snippet/node_modules/.stamp

snippet/node_modules/.stamp: snippet/package-lock.json
	@command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { \
	  echo 'Checking the tag needs Node.js 20 or newer, with npm (running the service does not)' >&2; exit 1; }
	@echo 'Installing packages for the tag'
	@cd snippet && npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

# Pages made with real frameworks, which the tag is tried on.
apps: $(APPS)/dist/.stamp

$(APPS)/dist/.stamp: $(APPS)/package-lock.json $(APPS)/build.mjs $(wildcard $(APPS)/src/*) snippet/node_modules/.stamp
	@echo 'Building the pages of frameworks that the tag is tried on'
	@cd $(APPS) && npm ci --loglevel=error --no-audit --no-fund >/dev/null && npm run --silent build
	@touch $@
