# make demo   English to a committed package to a synced table, twice (installs what it needs into .venv)
# make test   every test                make check   formatting, lint, types, layers, generated code, then the tests
# make clients  other people's Salesforce clients into .clients, for the tests that drive them (skipped without)
# make proof  the long runs and the benchmarks, written to docs/proof/      make clean   removes what make made

PYTHON ?= python3
PYTEST_ARGS ?=
WORKERS ?= 3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
TREE := compiler runtime sandbox generated benchmarks tests

# Without bytecode every start-up imports two to three times slower.
unexport PYTHONDONTWRITEBYTECODE
# Another project's modules or an active environment must not leak in.
unexport PYTHONPATH
unexport PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help demo test check lint docs clients proof clean

help:
	@sed -n '1,4s/^# //p' Makefile

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Durable needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv \
	  || { echo "No virtual environment could be made. On Debian: apt-get install python3-venv" >&2; rm -rf .venv; exit 1; }
	@touch $@

.venv/.demo: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Durable into .venv (about half a minute, once)"
	@$(PIP) -e '.[compiler,sandbox]'
	@touch $@

.venv/.dev: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Durable and its test tools into .venv (about a minute, once)"
	@$(PIP) -e '.[dev]'
	@touch .venv/.demo $@

demo: .venv/.demo
	@$(BIN)/durable demo

test: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: .venv/.dev
	$(BIN)/ruff format --check $(TREE)
	$(BIN)/ruff check $(TREE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/durable compile --check

check: lint test

docs: .venv/.dev
	$(BIN)/python -m durable_compiler.documentation docs/reference/language tests/cases/language/corpus/salesforce.schema.json

clients:
	@$(MAKE) --no-print-directory -j3 .clients/airbyte/.made .clients/singer/.made .clients/jsforce/.made

# The lists are complete, so nothing is left to be resolved.
.clients/%/.made: tests/clients/%.txt | .venv/.made
	@echo "Installing $* into .clients (about half a minute, once)"
	@$(PYTHON) -m venv --clear .clients/$*
	@.clients/$*/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-compile -r $<
	@touch $@

.clients/jsforce/.made: tests/clients/package.json tests/clients/package-lock.json | .venv/.made
	@command -v npm >/dev/null || { echo "jsforce needs Node 18 or newer with npm. On Debian: apt-get install nodejs npm" >&2; exit 1; }
	@echo "Installing jsforce into .clients"
	@mkdir -p .clients/jsforce && cp $^ .clients/jsforce/
	@cd .clients/jsforce && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

proof: .venv/.dev
	@mkdir -p docs/proof
	DURABLE_SEEDS=$${DURABLE_SEEDS:-200} $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	DURABLE_PROOF=docs/proof DURABLE_SEEDS=300 $(BIN)/python -m pytest tests/functional/test_schedules.py
	DURABLE_PROOF=docs/proof DURABLE_SEEDS=50 $(BIN)/python -m pytest tests/functional/test_resume.py
	DURABLE_PROOF=docs/proof DURABLE_SEEDS=500 $(BIN)/python -m pytest tests/functional/test_modes.py tests/functional/test_mode_runs.py
	DURABLE_PROOF=docs/proof $(BIN)/python -m pytest tests/functional/test_crashes.py -o faulthandler_timeout=0
	$(BIN)/python benchmarks/compile.py --output docs/proof/compile-speed.md
	$(BIN)/python benchmarks/load.py --output docs/proof/load-speed.md
	$(BIN)/python benchmarks/million.py --output docs/proof/million.md
	$(BIN)/python benchmarks/scale.py --pipelines 10 100 1000 --output docs/proof/compile-scale.md
	$(BIN)/python benchmarks/language.py --mutants -1 --output docs/proof/language.md

clean:
	rm -rf .venv .clients .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find $(wildcard $(TREE)) -name __pycache__ -type d -prune -exec rm -rf {} +
