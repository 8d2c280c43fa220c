# What a person does with this checkout. `make` alone lists it.
#
# Everything is installed into .venv from deploy/constraints/, where each file is pinned by its hash.
# PYTHON=... chooses the interpreter, UPGRADE=1 lets `make constraints` take newer releases.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
LOCKS := deploy/constraints
MEMBERS := common site_node server deploy/embedded
PROJECTS := pyproject.toml hatch_build.py $(MEMBERS:%=%/pyproject.toml)

# -I: what PYTHONPATH or the user's own site-packages hold is not part of the environment.
PIP := $(BIN)/python -I -m pip --disable-pip-version-check -qq

.PHONY: help setup demo test lint bench wheels constraints clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

setup: $(VENV)/installed  ## build .venv with the commands riskset and riskset-node

demo: setup  ## a whole paper on this machine: 18 study groups, the masked sums, the report
	@$(BIN)/riskset demo interfant06

# The deployments first and alone, because each starts a process for every site; then the rest, on all cores.
test: $(VENV)/dev  ## run the test suite; every line of survival/ and secure/ must have run
	@$(BIN)/pytest --cov --cov-report= tests/system/flower
	@$(BIN)/pytest --cov --cov-append --cov-report=term --numprocesses=auto --maxprocesses=8 --dist=worksteal --ignore=tests/system/flower
	@report=$$($(BIN)/coverage report --fail-under=100 \
	    --include='*/riskset_common/survival/*,*/riskset_common/secure/*') \
	  || { echo "$$report"; echo 'make test: survival/ and secure/ need every line tested'; exit 1; } >&2

lint: $(VENV)/dev  ## ruff, mypy --strict and the layers of the packages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/dev  ## run each script in tests/benchmarks/; they print ratios
	@for script in tests/benchmarks/bench_*.py; do $(BIN)/python -m "$$(echo $${script%.py} | tr / .)" || exit; done

wheels: $(VENV)/installed  ## build the four distributions into dist/
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist $(MEMBERS:%=./%)
	@ls dist

constraints:  ## lock the dependencies again, after a change to a pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo 'make constraints: uv is not on PATH; install it and try again' >&2; exit 1; }
	@$(call lock,dev.txt,--all-extras --group dev)
	@$(call lock,runtime.txt,--constraints $(LOCKS)/dev.txt)

clean:  ## remove .venv and what tools left behind
	rm -rf $(VENV) dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find $(MEMBERS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One release of each dependency for every Python and platform, so that all compute the same numbers.
# No index is written down: where packages come from is the choice of whoever installs them.
lock = uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
    --generate-hashes --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) \
    --custom-compile-command 'make constraints' --group build $(2) \
    --output-file $(LOCKS)/$(1) pyproject.toml >/dev/null

# --no-deps: the lock is complete, and pip is not to look for anything beside it.
# Byte-compiling on all cores, and not the dependencies' own tests, takes a third of the time that pip takes for it.
# A file that this Python cannot read is one that it will not import either.
install_locked = $(PIP) install --require-hashes --no-deps --no-compile $(2) -r $(LOCKS)/$(1) \
    && { $(BIN)/python -I -m compileall -qq -j 0 -x '[/\\]tests[/\\]' $(VENV)/lib || true; }

# Three stamps. A new lock rebuilds the environment from nothing; a changed pyproject.toml only installs
# the checkout again; the tools of tests and lint come on top when they are first asked for.
# What users run is installed from wheels only: nothing is compiled, and no set-up code of a dependency runs.
$(VENV)/locked: $(LOCKS)/runtime.txt deploy/find-python
	@python=$$(deploy/find-python $(PYTHON)) \
	  && echo "building $(VENV) with $$python; about 200 MB of packages are fetched" \
	  && "$$python" -m venv --clear $(VENV)
	@$(call install_locked,runtime.txt,--only-binary :all:)
	@touch $@

$(VENV)/installed: $(VENV)/locked $(PROJECTS)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(LOCKS)/dev.txt | $(VENV)/installed
	@echo 'adding the tools of tests and lint to $(VENV)'
	@$(call install_locked,dev.txt)
	@touch $@
