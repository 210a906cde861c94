# `make` alone lists the targets. Everything lives in .venv; nothing else on the machine is touched.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
export UV_SYSTEM_CERTS := 1
export UV_LINK_MODE := copy
# Matrices here are small: threads of the linear algebra would only wait for each other.
export OPENBLAS_NUM_THREADS := 1
# Services and commands start faster from compiled files, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup protos check format test test-slow run bench faults fuzz lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt

# Made again when what it is made from has changed.
$(VENV)/.ready: $(BIN)/uv requirements/dev.txt requirements/build.txt pyproject.toml */pyproject.toml protos/compile_protos.py $(wildcard protos/andon/*/v1/*.proto)
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --no-deps --build-constraints requirements/build.txt --reinstall-package andon-protos \
		-e protos -e quality -e records -e client -e .
	@touch $@

setup: $(VENV)/.ready ## make the environment (.venv) from hash-pinned requirements

protos: setup ## compile the contracts into typed stubs
	$(BIN)/uv pip install --quiet --no-deps --build-constraints requirements/build.txt --reinstall-package andon-protos -e protos

run: setup ## run the suite with its embedded Postgres on a simulated service desk (or LOG=file MAPPING=file) and report
	$(BIN)/python -m demo $(if $(LOG),--log $(LOG)) $(if $(MAPPING),--mapping $(MAPPING)) $(if $(SYSTEM),--system $(SYSTEM)) $(if $(ONCE),--once)

check: setup ## format, lint, types, import contracts, contract lint
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	cd protos && ../$(BIN)/buf lint
	$(BIN)/yamllint --strict .

format: setup ## format, and correct what a machine can correct
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup ## run the test suite (under 10 minutes on 2 cores)
	$(BIN)/pytest -n 2 --dist worksteal -q

test-slow: setup ## run the long tests too
	$(BIN)/pytest -n 2 --dist worksteal -q -m "slow and not faults"

faults: setup ## kill real processes under load and compare what is left
	$(BIN)/pytest -q -m faults

bench: setup ## measure, as ratios against named baselines in the same run
	$(BIN)/python -m bench

fuzz: setup ## fuzz each decoder and reader for ten minutes, guided by coverage (TARGET="csv xes", FUZZ_SECONDS=60)
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m tests.fuzzing $(TARGET) $(if $(FUZZ_SECONDS),--seconds $(FUZZ_SECONDS))

mutate: setup ## list small changes of the code that no test notices (TARGET="season history"; minutes to hours)
	$(BIN)/python -m tests.mutation $(TARGET)

lock: $(BIN)/uv ## resolve and export the hash-pinned requirements
	$(BIN)/uv lock --upgrade
	$(BIN)/uv export --quiet --format requirements-txt --no-emit-workspace --all-groups --no-annotate --no-header -o requirements/dev.txt
	$(BIN)/uv export --quiet --format requirements-txt --no-emit-workspace --no-default-groups --no-annotate --no-header -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links requirements/fuzz.in -o requirements/fuzz.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links requirements/bootstrap.in -o requirements/bootstrap.txt

clean: ## remove the environment, caches, generated stubs and the suite's data (.andon)
	rm -rf $(VENV) .andon report.html .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find protos -name '*_pb2*' -delete
