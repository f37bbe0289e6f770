# The product's ten commands; continuous integration calls the same ones.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help run install test check fmt bench screens lock clean

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# A stamp is named after the content it stands for, so a second run calls neither pip nor npm.
key = $(shell cat pyproject.toml $(1) | cksum | tr ' ' -)
RUN_STAMP := .venv/run.$(call key,requirements/run.txt requirements/build.txt)
TEST_STAMP := .venv/test.$(call key,requirements/test.txt requirements/peers.txt tests/node_peers/package-lock.json)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	--generate-hashes --no-header --no-annotate

help: ## say what each command does
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 16

run: $(RUN_STAMP) screens ## install what is missing, then run the platform with its demo city
	@exec $(BIN)/heatloop run --demo $(ARGS)

install: $(TEST_STAMP) ## install everything development needs into .venv

test: $(TEST_STAMP) screens ## run every test: make test ARGS="tests/unit -k batch"
	@if [ -n "$(strip $(ARGS))" ]; then exec $(BIN)/python -m pytest $(ARGS); fi; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone" && $(BIN)/python -m pytest tests/e2e -m alone

check: $(TEST_STAMP) ## formatting, lint, types, import rules, screens' sources, conformance file
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src $(wildcard bench)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m heatloop.proof.conformance
	@$(BIN)/python -m heatloop.proof.data_grading
	@$(BIN)/bandit -q -c bandit.yaml -r src
	@$(BIN)/python -m heatloop.proof.secrets_scan
	@$(BIN)/python hatch_build.py check
	@if git grep --untracked -nE '/wor[k]/|/tmp/ven[v]'; then echo 'check: a machine path above'; exit 1; fi

fmt: $(TEST_STAMP) ## format the sources and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(TEST_STAMP) ## run every benchmark in turn: make bench ARGS=--quick
	@failed=; for file in $$(grep -l __main__ bench/*.py); do name=$$(basename "$$file" .py); \
		echo "bench: $$name" >&2; $(BIN)/python -m "bench.$$name" $(ARGS) || failed="$$failed $$name"; \
	done; [ -z "$$failed" ] || { echo "bench: missed:$$failed" >&2; exit 1; }

screens: $(RUN_STAMP) ## build the screens if frontend/ changed
	@$(BIN)/python hatch_build.py

lock: $(TEST_STAMP) ## choose the newest versions again and write requirements/
	@$(LOCK) pyproject.toml -o requirements/run.txt
	@$(LOCK) --group build -o requirements/build.txt
	@$(LOCK) pyproject.toml --group build --group test --group dev \
		-c requirements/run.txt -c requirements/build.txt -o requirements/test.txt
	@grep -E '^[a-z0-9-]+==' requirements/run.txt | grep -v '^pandas=' | sed 's/ *\\$$//' >.venv/shared.txt
	@$(LOCK) --group peers -c .venv/shared.txt --no-emit-package numpy --no-emit-package scipy \
		-o requirements/peers.txt

clean: ## remove .venv, the built screens and caches
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist \
		src/heatloop/web/static frontend/node_modules

$(BIN)/python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "install: $$($$python --version) makes .venv"; exec $$python -m venv .venv; fi; done; \
	echo 'install: no Python 3.11 or newer with venv on PATH (Debian: apt-get install python3-venv)' >&2; exit 1

$(RUN_STAMP): | $(BIN)/python
	@echo 'install: what heatloop needs to run, by locked versions and hashes'
	@$(PIP) --require-hashes -r requirements/run.txt -r requirements/build.txt
	@HEATLOOP_SKIP_SCREENS=1 $(PIP) --no-build-isolation --no-deps --editable .
	@rm -f .venv/run.* && touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@echo 'install: what the tests and checks need, by locked versions and hashes'
	@$(PIP) --require-hashes -r requirements/test.txt
	@rm -rf .venv/peers
	@$(PIP) --require-hashes --no-deps --target .venv/peers -r requirements/peers.txt
	@$(BIN)/python hatch_build.py peers
	@rm -f .venv/test.* && touch $@
