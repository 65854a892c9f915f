# Everything runs in .venv, which is made once, and again when the pins change.

SHELL := bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.complete
DOCS_STAMP := .venv/.docs
DEMO_DATA := demo/reference.h5ad
STUDY_DATA ?= ../shared/data
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help env demo docs test lint format benchmark mutants study clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP) ## make .venv: `source .venv/bin/activate` before snakemake

demo: $(STAMP) $(DEMO_DATA) ## two ovarian tumours on a normal reference, from input to report (minutes)
	snakemake --workflow-profile profiles/demo
	python demo/demo_summary.py results/demo

docs: $(DOCS_STAMP) $(DEMO_DATA) ## the documentation site, docs/_build/html/index.html; it runs the notebook (minutes)
	sphinx-build -q -W --keep-going -c docs . docs/_build/html

test: $(STAMP) ## all tests (at most 20 minutes on two cores)
	python -m pytest -n 2 --dist loadfile

lint: $(STAMP) ## style, order of the packages, types, schemas of workflows and citation, snakemake --lint
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	PYTHONPATH=scripts lint-imports --no-cache
	mypy
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --builtin-schema vendor.citation-file-format --default-filetype yaml CITATION.cff
	snakemake --lint

format: $(STAMP) ## let ruff and snakefmt write
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

benchmark: $(STAMP) ## speed and memory into benchmarks.json (at most 30 minutes); PUBLISHED=clone of the published code
	python tests/benchmarks/model_speed.py --out benchmarks.json $(if $(PUBLISHED),--published $(PUBLISHED)) \
		$(if $(BEFORE),--before $(BEFORE))
	python tests/benchmarks/model_memory.py --out benchmarks.json
	python tests/benchmarks/interpretation.py --out benchmarks.json

mutants: $(STAMP) ## faults planted one at a time: which do the tests not notice? (hours)
	python tests/benchmarks/mutants.py --out results/study/mutants.json

study: demo ## quality over seeds on the data sets in STUDY_DATA (hours)
	mkdir -p results/study
	python tests/benchmarks/cnv_study.py --data $(STUDY_DATA) --out results/study/cnv_study.json
	python tests/benchmarks/cnv_real.py --data $(STUDY_DATA) --out results/study/cnv_real.json
	python tests/benchmarks/ood_study.py --data $(STUDY_DATA) --out results/study/ood_study.json
	python tests/benchmarks/shift_study.py --data $(STUDY_DATA) --out results/study/shift_study.json
	python tests/benchmarks/ood_model_study.py --data $(STUDY_DATA) --out results/study/ood_model_study.json
	python tests/benchmarks/panel_study.py --data $(STUDY_DATA) --out results/study/panel_study.json
	python tests/benchmarks/positional_study.py --data $(STUDY_DATA) --out results/study/positional_study.json
	python tests/benchmarks/mixed_cells_study.py --data $(STUDY_DATA) --out results/study/mixed_cells_study.json
	python tests/benchmarks/positional_cost.py --data $(STUDY_DATA) --folder results/study \
		--out results/study/positional_cost.json
	python tests/benchmarks/species_study.py --data $(STUDY_DATA) --out results/study/species_study.json
	python tests/benchmarks/species_label_study.py --data $(STUDY_DATA) --out results/study/species_label_study.json
	python tests/benchmarks/spatial_study.py --data $(STUDY_DATA) --out results/study/spatial_study.json
	python tests/benchmarks/infected_cells_study.py --data $(STUDY_DATA) --out results/study/infected_cells_study.json
	python tests/benchmarks/limits_study.py --data $(STUDY_DATA) --out results/study/limits_study.json
	python tests/benchmarks/contaminated_reference.py --data $(STUDY_DATA) --out results/study/contaminated_reference.json
	python tests/benchmarks/planted_reference.py --data $(STUDY_DATA) --out results/study/planted_reference.json
	python tests/benchmarks/verdict_cohorts.py --data $(STUDY_DATA) --folder results/study/verdict_cohorts \
		--out results/study/verdict_cohorts.json
	python tests/benchmarks/origin_study.py --data $(STUDY_DATA) --out results/study/origin_study.json
	python tests/benchmarks/faithfulness_study.py --data $(STUDY_DATA) --out results/study/faithfulness_study.json
	python tests/benchmarks/marker_study.py --data $(STUDY_DATA) --out results/study/marker_study.json
	python tests/benchmarks/slot_study.py --data $(STUDY_DATA) --out results/study/slot_study.json \
		--figure results/study/slots.png
	python tests/benchmarks/program_study.py --results results/demo --out results/study/program_study.json
	python tests/benchmarks/report_speed.py --out results/study/report_speed.json
	python tests/benchmarks/label_study.py --data $(STUDY_DATA) --out results/study/label_study.json \
		--variants small "small, 1 slot" "small, 32 slots" "small, broadcast to cells" "no slots" paper
	python tests/benchmarks/small_reference_study.py --data $(STUDY_DATA) --out results/study/small_reference_study.json
	python tests/benchmarks/scale_study.py --data $(STUDY_DATA) --out results/study/scale_study.json
	python tests/benchmarks/label_set_study.py --data $(STUDY_DATA) --out results/study/label_set_study.json
	python tests/benchmarks/planning.py --out results/study/planning.json
	python tests/benchmarks/cohort_run.py --folder results/study/cohort --out results/study/cohort_run.json
	python tests/benchmarks/kill_study.py --out results/study/kill_study.json
	python tests/benchmarks/broken_samples.py --folder results/study/broken --out results/study/broken_samples.json
	python tests/benchmarks/fuzz.py --minutes 30 --out results/study/fuzz.json
	$(MAKE) mutants

clean: ## remove the environment, the demo's results and the site
	rm -rf .venv results/demo docs/_build

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	@echo "Installing about 180 packages into .venv, once: some minutes and 3 GB."
	python -m pip install --disable-pip-version-check -r requirements-dev.txt | sed -un 's/^Collecting \([^ ]*\).*/  \1/p'
	python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Sphinx and what it needs, beside the rest: the notebook of the site computes with it.
$(DOCS_STAMP): requirements-docs.txt $(STAMP)
	python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	touch $@

# The last of the demo's files to be written. A new environment is no reason to download them again.
$(DEMO_DATA): demo/demo_data.py | $(STAMP)
	python demo/demo_data.py demo
