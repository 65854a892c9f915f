# Everything runs in .venv, which is made once, and again when the pins change.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.complete
DEMO_DATA := demo/reference.h5ad
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test lint format benchmark study clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) $(DEMO_DATA) ## two ovarian tumours on a normal reference, from input to report (minutes)
	snakemake --workflow-profile profiles/demo
	python scripts/demo_summary.py results/demo

test: $(STAMP) ## all tests (at most 15 minutes)
	python -m pytest

lint: $(STAMP) ## ruff, snakefmt and snakemake --lint
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	snakemake --lint

format: $(STAMP) ## let ruff and snakefmt write
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

benchmark: $(STAMP) ## speed and memory (at most 30 minutes)
	python -m pytest tests/benchmarks

study: $(STAMP) ## quality over seeds, synthetic cohorts (hours)
	python -m pytest tests/study

clean: ## remove the environment and the demo's results
	rm -rf .venv results/demo

$(STAMP): requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(DEMO_DATA): scripts/demo_data.py $(STAMP)
	python scripts/demo_data.py demo
