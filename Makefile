# The two commands that matter. Each sets up everything it needs, once:
#
#   make play    jam; options pass through: make play ARGS="--bpm 92 --mode endless --bars 16"
#   make test    check everything: style, types, layers, and the tests
#
#   make lint    style, types and layers alone
#   make setup   set up TensorFlow and the rest, to train models
#   make bench   measure speed, each figure beside what it should be compared with
#   make bundle  make the default model again; DATA=FOLDER holds its data sets, unpacked
#   make clean   remove the environments and what the tools left behind

# Written for GNU make 3.81, which is what macOS has.

BIN := .venv/bin
LIVE := .venv-live/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
ARGS :=
DATA := corpora

.DEFAULT_GOAL := help
.PHONY: help play test lint setup bench bundle clean

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

# Stamp files: .venv/live means that the live side is installed, .venv/all that everything is.

.venv/live: pyproject.toml constraints.txt
	@echo 'setting up .venv for playing (once; a minute or so)'
	@tools/new_venv .venv
	@$(BIN)/python $(INSTALL) --editable .
	@$(BIN)/python -m compileall -q jamd daemon
	@touch $@

.venv/all: pyproject.toml constraints.txt
	@echo 'setting up .venv with TensorFlow and the tests (once; some minutes)'
	@tools/new_venv .venv
	@$(BIN)/python $(INSTALL) --editable '.[dev]'
	@$(BIN)/python -m compileall -q jamd daemon
	@touch .venv/live $@

.venv-live/dependencies: pyproject.toml constraints.txt
	@echo 'setting up .venv-live, where the live side is tested without TensorFlow (once)'
	@tools/new_venv .venv-live
	@$(LIVE)/python $(INSTALL) '.[test]'
	@touch $@

play: .venv/live
	@exec $(BIN)/python tools/foreground.py $(BIN)/jamd play $(ARGS)

lint: .venv/all
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The live side's tests run on the wheel, beside no TensorFlow: that shows what the wheel lacks, and
# what needs TensorFlow. Everything else runs on the sources, in the environment that has it all.
LIVE_TESTS := tests/jamd tests/daemon
# What plays in real time with other programs, or measures speed, has the computer to itself; the
# rest shares its cores.
TIMED_TESTS := tests/live tests/bench
SHARED := --numprocesses auto --maxprocesses 8 --dist worksteal

test: lint .venv-live/dependencies
	rm -rf .venv-live/built
	$(BIN)/python -m build --no-isolation --outdir .venv-live/built >.venv-live/build.log
	$(LIVE)/python $(INSTALL) --no-deps --force-reinstall .venv-live/built/*.whl
	$(LIVE)/pytest $(SHARED) -m 'not train' $(LIVE_TESTS)
	$(BIN)/pytest -m train $(LIVE_TESTS)
	$(BIN)/pytest $(SHARED) $(addprefix --ignore=,$(LIVE_TESTS) $(TIMED_TESTS))
	$(BIN)/pytest $(TIMED_TESTS)

setup: .venv/all

bench: .venv/all
	$(BIN)/jamd bench $(ARGS)

bundle: .venv/all
	$(BIN)/jamd recipe $(DATA) --output jamd/bundles/default $(ARGS)

clean:
	rm -rf .venv .venv-live dist jamd.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
