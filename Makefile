# Every target does all of its own set-up; a machine needs only make and Python 3.11 or newer
# with venv. The second run starts at once.

PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$each -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$each && break; done)
BIN := .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Where a machine forbids to keep what is compiled, each worker and each program that a test starts
# would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-slow lint format bench docs tour pins clean chromium
.DEFAULT_GOAL := test

run: .venv/run.stamp ## Serve the library with its demo records at http://127.0.0.1:8000/admin
	$(BIN)/admin-app serve

test: .venv/dev.stamp chromium ## The whole suite but the long runs, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: .venv/dev.stamp chromium ## The long runs
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m slow; code=$$?; \
	if [ $$code -eq 5 ]; then echo "There is no slow test."; exit 0; fi; exit $$code

lint: .venv/dev.stamp ## Style, format, types, and which room may know which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp ## Mend what can be mended without thinking
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: .venv/bench.stamp ## Measure ourselves beside what people would pick instead; ONLY=get,list
	$(BIN)/python -m benchmarks

docs: .venv/dev.stamp ## Check every example and reference list of the documentation
	$(BIN)/python -m pytest tests/test_docs.py

tour: .venv/dev.stamp chromium ## Take the pictures of docs/panel.md anew, from the demo
	$(BIN)/python tests/tour.py

pins: .venv/dev.stamp ## Choose the newest allowed versions again, with their hashes
	$(INSTALL) uv
	UV_CUSTOM_COMPILE_COMMAND="make pins" $(BIN)/uv pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url \
		pyproject.toml --group build -o requirements/run.txt
	UV_CUSTOM_COMPILE_COMMAND="make pins" $(BIN)/uv pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url \
		--constraints requirements/run.txt \
		pyproject.toml --group build --group lint --group test -o requirements/dev.txt
	UV_CUSTOM_COMPILE_COMMAND="make pins" $(BIN)/uv pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url \
		--constraints requirements/dev.txt \
		pyproject.toml --group build --group bench -o requirements/bench.txt

clean: ## Remove what these targets made; never a database
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist

.venv/run.stamp: requirements/run.txt pyproject.toml | .venv
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/bench.stamp: requirements/bench.txt pyproject.toml | .venv
	$(INSTALL) --require-hashes -r requirements/bench.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer with venv is needed (apt-get install python3-venv)."; exit 1; fi
	$(PYTHON) -m venv .venv

# A skipped panel test is a failure in CI, so the browser has to be there.
chromium:
ifeq ($(CI),true)
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then \
		as_root=$$([ "$$(id -u)" -eq 0 ] || echo sudo); \
		$$as_root apt-get update && \
		DEBIAN_FRONTEND=noninteractive $$as_root apt-get install --yes --no-install-recommends chromium; \
	fi
endif
