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

PYTEST := $(BIN)/pytest -m 'not slow'
ON_EVERY_CORE := --numprocesses=auto --maxprocesses=8 --dist=worksteal
UNIT := tests/common/primitives tests/common/secure tests/common/survival tests/vectors
MONITORED = $(shell $(BIN)/python -c 'import sys; print("yes" if sys.version_info >= (3, 12) else "")')

.PHONY: help setup demo test unit covered system slow search lint ruff types layers bench wheels constraints clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

setup: $(VENV)/installed  ## build .venv with the commands riskset and riskset-node

demo: setup  ## a whole paper on this machine: 18 study groups, the masked sums, the report
	@$(BIN)/riskset demo interfant06

# Three sessions: what is quick first, so that a red run is red soon; each stops at the first failure.
test: unit covered system  ## run the tests of the gate: the unit tests, then what starts whole runs

unit: $(VENV)/dev  ## the tests that start no run, but for those of `make covered`
	@$(PYTEST) --exitfirst $(UNIT:%=--ignore=%) --ignore=tests/system $(ON_EVERY_CORE)

# Python 3.12 and later count lines without calling back at each.
covered: $(VENV)/dev  ## the tests of survival/, secure/ and primitives/, which must run every line of these
	@$(if $(MONITORED),COVERAGE_CORE=sysmon) $(PYTEST) --exitfirst --cov --cov-report= $(UNIT) $(ON_EVERY_CORE)
	@report=$$($(BIN)/coverage report --fail-under=100) \
	  || { echo "$$report"; echo 'make covered: survival/, secure/ and primitives/ need every line tested'; exit 1; } >&2

# Two more than there are cores: a test of a deployment mostly waits for its processes.
system: $(VENV)/dev  ## the tests that start whole runs: embedded, end to end, over Flower, documentation
	@$(PYTEST) --exitfirst tests/system --dist=loadscope --numprocesses=$$(( $$(getconf _NPROCESSORS_ONLN) + 2 )) --maxprocesses=10

# What the gate leaves out: tests marked `slow`, and of every property 100 examples instead of 25. Under 60 minutes.
slow: $(VENV)/dev  ## all tests, with what is too long for the gate; before a release
	@HYPOTHESIS_PROFILE=slow $(BIN)/pytest --numprocesses=auto --maxprocesses=8 --dist=loadscope

search: $(VENV)/dev  ## draw 1,000 new examples of every property; a find is committed as an @example
	@HYPOTHESIS_PROFILE=search $(PYTEST) -m hypothesis --ignore=tests/system $(ON_EVERY_CORE)

lint: ruff layers types  ## ruff, the layers of the packages, mypy --strict

ruff: $(VENV)/dev  ## the rules and the format of the code
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

layers: $(VENV)/dev  ## the floors of the house: which folder may import which
	@$(BIN)/lint-imports --no-logo

types: $(VENV)/dev  ## mypy --strict
	@$(BIN)/mypy

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
	rm -rf $(VENV) .cache dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache
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
