# make all    set up and run the graph on the default configuration
# make test   set up and run every test
# make report results/report.html: every table and figure in one file that works offline
# make docs   results/site/index.html: the documentation
PYTHON ?= python3.11
CORES ?= all
BIN := .venv/bin

.PHONY: all test fast check report docs clean
.DEFAULT_GOAL := all

# The environment counts as there only when everything in it was installed.
.venv/ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed and '$(PYTHON)' was not found; give it as make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "'$(PYTHON)' is not Python 3.11; give one as make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps --editable .
	touch $@

all: .venv/ready
	$(BIN)/snakemake --cores $(CORES) all

# Three workers with one thread each, on two cores: one of them mostly waits, for a cluster or a disk.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadgroup

test: check
	$(PYTEST) tests

fast: .venv/ready
	$(PYTEST) -m "not slow" tests

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

report: .venv/ready
	$(BIN)/snakemake --cores $(CORES) all report_pages
	$(BIN)/snakemake report_pages --report results/report.html --report-stylesheet workflow/report/style.css

docs: .venv/ready
	$(BIN)/sphinx-build -W --keep-going -b html docs results/site

clean:
	rm -rf results logs
