# The README's two commands are `make demo` and `make test`; both do all the set-up themselves.
PYTHON_BIN := .venv/bin/python
PYTEST_ARGS ?=
# Much of the suite waits for servers and terminals, so three workers fill two cores. A part that is named by
# its path runs in one process, without the start of the workers.
PYTEST_WORKERS ?= $(if $(findstring tests/,$(PYTEST_ARGS)),0,4)
BENCH_ARGS ?=

.PHONY: help setup demo test lint types contracts tests check bench soak screenshots docs dist clean

help:
	@echo "make demo    the console on real servers started for it, with a week of backups (without a terminal: the script)"
	@echo "make test    lint, types, contracts and the whole test suite"
	@echo "make check   lint, types, contracts and the tests that start no server"
	@echo "make bench   measure against the stock tools (long)"
	@echo "make soak    hundreds of kills and swaps (hours)"
	@echo "make screenshots  draw screenshots/*.svg again; the tests compare with them"
	@echo "make docs    write docs/checks.md from the registered checks; a test compares it"
	@echo "make dist    build the wheel into dist/"

setup:
	@scripts/setup

demo: setup
	@$(PYTHON_BIN) -m tui demo

test: lint types contracts tests

lint: setup
	$(PYTHON_BIN) -m ruff check .
	$(PYTHON_BIN) -m ruff format --check .

types: setup
	$(PYTHON_BIN) -m mypy

contracts: setup
	.venv/bin/lint-imports

tests: setup
	$(PYTHON_BIN) -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: lint types contracts
	$(PYTHON_BIN) -m pytest tests/unit $(PYTEST_ARGS)

bench: setup
	$(PYTHON_BIN) -m tests.bench $(BENCH_ARGS)

soak: setup
	$(PYTHON_BIN) -m pytest -m soak --timeout=0 tests $(PYTEST_ARGS)
	$(PYTHON_BIN) -m tests.bench.soak_memory $(BENCH_ARGS)

screenshots: setup
	@$(PYTHON_BIN) -m tests.pictures.draw

docs: setup
	@$(PYTHON_BIN) -m services.verifying.page

dist: setup
	rm -rf build dist
	$(PYTHON_BIN) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	@rm -rf build
	@ls dist/*.whl

clean:
	rm -rf build dist .venv *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
