# `make` alone lists the targets. PYTHON=python3.12 make ... chooses another interpreter.
PYTHON ?= python3
# Spark 3.5 has a virtual environment of its own: make run SPARK=3.5
SPARK := 4.2
ifeq ($(SPARK),3.5)
VENV := .venv-spark35
# The embedded engine speaks the protocol of Spark 4.
EXTRA :=
CONSTRAINTS := $(VENV)/constraints.txt
else
VENV := .venv
EXTRA := [api,embedded,report,automation]
CONSTRAINTS := conf/constraints.txt
endif
BIN := $(VENV)/bin
INSTALL := $(BIN)/python jobs/install.py --disable-pip-version-check --constraint $(CONSTRAINTS)
ARGS ?=
# Tests run in as many processes as this, each with a Spark of its own; a JVM waits more than it computes.
WORKERS ?= 2
# These have targets of their own.
OTHERS := not browser and not cluster and not clv and not endurance
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help run bench bench-api test test-fast test-spark35 test-quick test-long test-browser test-clv test-endurance test-cluster test-schedulers package lint format mongo-demo cluster-demo report-demo automation-demo industries-demo notebook notebooks sample clean java

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The lines of the first file take the place of those of the second.
$(VENV)/constraints.txt: conf/constraints-spark35.txt conf/constraints.txt
	@mkdir -p $(@D)
	@awk -F== 'NR == FNR { own[$$1]; print; next } !($$1 in own)' $^ > $@

$(VENV)/run.stamp: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing. On Debian/Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned packages into $(VENV) ..."
	@$(INSTALL) --editable '.$(EXTRA)'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "Installing the packages for development ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@

# Ivy's cache takes one process at a time.
$(VENV)/jars.stamp: $(VENV)/dev.stamp
	@echo "Fetching Delta Lake and MongoDB's connector for Spark ..."
	@$(BIN)/python -m tests.fetch_jars >$@.log 2>&1 || { cat $@.log >&2; exit 1; }
	@mv $@.log $@

$(VENV)/bench.stamp: $(VENV)/run.stamp
	@echo "Installing the packages for benchmarks ..."
	@$(INSTALL) --editable '.[bench]'
	@touch $@

$(VENV)/clv.stamp: $(VENV)/dev.stamp
	@echo "Installing the packages for customer lifetime value ..."
	@$(INSTALL) --editable '.[clv]'
	@touch $@

# What was there yesterday may be gone, so there is no stamp.
java: $(VENV)/run.stamp ## Find the Java for Spark, or install one into the virtual environment
	@$(BIN)/python -m segmentation.engines.spark.java >/dev/null 2>&1 || { echo "No Java that Spark runs on is here. Installing one into $(VENV) ..."; $(INSTALL) --editable '.[java]'; }

run: $(VENV)/run.stamp $(if $(findstring spark,$(ARGS))$(findstring mongodb,$(ARGS)),java) ## Run the job on the bundled sample (options: make run ARGS="--csv-path my.csv")
	@$(BIN)/python jobs/run_segmentation.py $(ARGS)

test: $(VENV)/jars.stamp ## Run all tests but those of the targets test-... below
	@$(PYTEST) -m "$(OTHERS)" $(ARGS)

test-fast: $(VENV)/dev.stamp ## Run the tests of the embedded engine that start no processes of their own
	@$(PYTEST) -m "not slow and $(OTHERS)" --engine embedded $(ARGS)

test-spark35: ## Run the tests that start no processes of their own on Spark 3.5, in .venv-spark35
	@$(MAKE) --no-print-directory test-quick SPARK=3.5

test-quick: $(VENV)/jars.stamp
	@$(PYTEST) -m "not slow and $(OTHERS)" $(ARGS)

# axe has no package for Python that is kept up to date.
build/npm.stamp: conf/npm/package.json
	@echo "Fetching axe from npm ..."
	@command -v npm >/dev/null || { echo "npm is needed for this. On Debian/Ubuntu: apt-get install npm" >&2; exit 1; }
	@mkdir -p $(@D)/npm && cp $< $(@D)/npm/
	@npm install --silent --no-package-lock --prefix $(@D)/npm
	@touch $@

test-long: $(VENV)/jars.stamp ## Run on Spark what takes long there
	@$(PYTEST) -m long_on_spark --engine spark $(ARGS)

test-browser: $(VENV)/dev.stamp build/npm.stamp ## Look at the pages in Chromium, which must be here, as must npm
	@$(BIN)/python -m pytest tests/test_browser.py tests/test_page.py $(ARGS)

test-clv: $(VENV)/clv.stamp ## Run the notebook on customer lifetime value
	@$(BIN)/python -m pytest tests/test_notebooks.py -m clv --engine embedded $(ARGS)

test-endurance: $(VENV)/dev.stamp ## Kill 200 runs, and live through a day in fast motion (as root); takes a quarter of an hour
	@$(BIN)/python -m pytest tests/test_endurance.py -rA $(ARGS)

test-cluster: $(VENV)/dev.stamp ## Run on HDFS and S3; kill workers, drivers and masters of a cluster, fill its disks (as root)
	@$(BIN)/python -m pytest tests/test_cluster.py tests/test_storage.py -rA $(ARGS)

# Both want versions of packages that the job does not, so each has a virtual environment of its own.
.venv-airflow/stamp .venv-dagster/stamp: .venv-%/stamp: conf/automation/constraints-%.txt
	@test -x .venv-$*/bin/pip || $(PYTHON) -m venv .venv-$*
	@echo "Installing $(SCHEDULER_$*) into .venv-$* ..."
	@.venv-$*/bin/python jobs/install.py --disable-pip-version-check --constraint $< $(SCHEDULER_$*)
	@touch $@

SCHEDULER_airflow := apache-airflow
SCHEDULER_dagster := dagster

test-schedulers: $(VENV)/dev.stamp .venv-airflow/stamp .venv-dagster/stamp ## Load what is for Airflow and Dagster into both, and run it there
	@$(BIN)/python -m pytest tests/test_schedulers.py $(ARGS)

package: $(VENV)/run.stamp ## Build dist/ for clusters (CLUSTER_PYTHON=PATH: where their Python is)
	@rm -rf build/lib build/bdist.* dist
	@$(BIN)/python jobs/package.py --constraint $(CONSTRAINTS) $(if $(CLUSTER_PYTHON),--python $(CLUSTER_PYTHON))

lint: $(VENV)/dev.stamp ## Check style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/dev.stamp ## Put the code into the common format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

mongo-demo: $(VENV)/dev.stamp ## Load the sample into a MongoDB test server and compare with the CSV run
	@$(BIN)/python -m tests.mongo_demo

report-demo: $(VENV)/dev.stamp ## Run three months of the sample one after the other, and write the report
	@$(BIN)/python -m tests.report_demo

automation-demo: $(VENV)/dev.stamp ## Watch a folder, let files come, see runs, status and an alert
	@$(BIN)/python -m tests.automation_demo

industries-demo: $(VENV)/dev.stamp ## Run fashion, e-commerce, B2B, subscription, RFM, the plug-in, and a rule in three lines
	@$(BIN)/python -m tests.industries_demo

cluster-demo: $(VENV)/dev.stamp ## Run on a cluster of two workers and compare with local mode
	@$(BIN)/python -m tests.cluster_demo

notebook: $(VENV)/dev.stamp ## Open the notebooks (run the job first)
	@$(BIN)/jupyter lab notebooks/01_explore_segments.ipynb

notebooks: $(VENV)/clv.stamp java ## Run the notebooks on output/ and render them to output/notebooks/
	@$(BIN)/jupyter nbconvert --log-level WARN --execute --to html --output-dir output/notebooks notebooks/*.ipynb
	@ls output/notebooks/*.html

bench: $(VENV)/bench.stamp java ## Measure this job beside pandas, Polars and DuckDB (other sizes: make bench SIZES=10000,100000000)
	@$(BIN)/python -m benchmarks.run $(if $(SIZES),--sizes $(SIZES)) $(ARGS)

bench-api: $(VENV)/bench.stamp ## Measure segments over HTTP beside the business document's example (docs/serving-benchmark.md)
	@$(BIN)/python -m benchmarks.api $(ARGS)

sample: java ## Make the bundled sample anew
	@$(BIN)/python jobs/generate_purchases.py --rows 5000 --customers 900 --output data/purchase_records.csv

clean: ## Remove what make and the job made
	rm -rf .venv .venv-* output build dist *.egg-info spark-warehouse
