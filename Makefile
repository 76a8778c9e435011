# Everything a developer types. `make` alone lists the targets.
#
# PYTHON=python3.12 chooses the interpreter, VENV=.venv-3.12 the folder, ARGS="-k journal" what pytest gets besides,
# SEED=1 what `make faults` draws from.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

python := $(VENV)/bin/python
pip    := $(python) -m pip --disable-pip-version-check --no-input
locked := install --quiet --require-hashes --no-build-isolation --use-pep517 -r

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@printf '\nninja-daemon: candles in, exact crossover signals out\n\n'
	@sed -nE 's/^([a-z][a-z-]*):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@printf '\nmake run and make test need Python 3.11 or newer with venv, and nothing else.\n\n'

# ------------------------------------------------------------------------------------------------------ use it

.PHONY: run
run: $(VENV)/run.stamp ## set up what is missing, then start daemon, notifier and, where none is configured, Redis
	@exec $(VENV)/bin/ninja-daemon up

.PHONY: demo
demo: $(VENV)/run.stamp ## the whole product against a simulated market: no account, no server
	@exec $(VENV)/bin/ninja-daemon demo

# ------------------------------------------------------------------------------------------------ put it on a server

installer := cd systemd && PYTHONDONTWRITEBYTECODE=1 python3 -m ninja_install
say_root  := needs python3: apt install python3

.PHONY: install
install: ## on a server, as root: program in /opt, settings in /etc/ninja-daemon, systemd units (DESTDIR=DIR to look at it)
	@command -v python3 >/dev/null || { echo 'make install $(say_root)' >&2; exit 1; }
	@$(installer) install $(if $(DESTDIR),--root '$(abspath $(DESTDIR))') $(if $(BASE),--python '$(BASE)')

.PHONY: install-redis
install-redis: ## on a server, as root: the distribution's Redis, kept to this machine and made durable (REDIS=valkey)
	@command -v python3 >/dev/null || { echo 'make install-redis $(say_root)' >&2; exit 1; }
	@$(installer) redis $(if $(REDIS),--server '$(REDIS)')

.PHONY: upgrade
upgrade: ## build this version beside the installed one, prove it, switch; goes back by itself when it does not come up
	@$(installer) upgrade $(if $(DESTDIR),--root '$(abspath $(DESTDIR))') $(if $(BASE),--python '$(BASE)') \
	  $(if $(filter skip,$(REPLAY)),--skip-replay)

.PHONY: rollback
rollback: ## go back to the version before
	@$(installer) rollback $(if $(DESTDIR),--root '$(abspath $(DESTDIR))')

.PHONY: uninstall
uninstall: ## remove program and units; configuration and data stay unless PURGE=1
	@$(installer) uninstall $(if $(DESTDIR),--root '$(abspath $(DESTDIR))') $(if $(filter 1,$(PURGE)),--purge)

# --------------------------------------------------------------------------------------------------- change it

.PHONY: test
test: $(VENV)/dev.stamp ## all tests, on two cores
	@$(python) -m pytest --numprocesses 2 --dist worksteal $(ARGS)

.PHONY: quick
quick: $(VENV)/dev.stamp ## the part that needs no processes: core and use cases, minutes
	@$(python) -m pytest --numprocesses 2 --dist worksteal tests/core tests/usecases tests/adapters/stored tests/app/lean $(ARGS)

.PHONY: check
check: static test ## all that CI asks for: lint, format, types, floors, tests

.PHONY: static
static: lint types floors house ## all of `make check` but the tests

.PHONY: lint
lint: $(VENV)/dev.stamp ## ruff: rules and format
	@$(python) -m ruff check
	@$(python) -m ruff format --check --quiet || { $(python) -m ruff format --check || true; echo 'make format mends it'; exit 1; }

.PHONY: format
format: $(VENV)/dev.stamp ## let ruff mend what it can
	@$(python) -m ruff check --fix --exit-zero --quiet
	@$(python) -m ruff format

.PHONY: types
types: $(VENV)/dev.stamp ## mypy, strict
	@$(python) -m mypy

.PHONY: floors
floors: $(VENV)/dev.stamp ## import-linter: imports go down only
	@$(VENV)/bin/lint-imports --no-cache | sed -n '/^Analyzed/,$$p'

.PHONY: house
house: $(VENV)/dev.stamp ## sizes of folders, modules and functions against their limits
	@$(python) -m tests.house

.PHONY: faults
faults: $(VENV)/dev.stamp ## the fault tests in full length, with a table at the end (SEED=1 for the same run again)
	@$(python) -m pytest tests/faults tests/failover --long --numprocesses 2 --dist worksteal $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: rehearsal
rehearsal: $(VENV)/dev.stamp ## as root: boot a Debian (SUITE=forky, SERVER=valkey), install into it, break and mend everything
	@$(python) -m tests.rehearsal $(ARGS)

.PHONY: parity
parity: $(VENV)-parity/stamp ## compare averages and crosses with the libraries that people use; writes docs/platforms.md
	@$(VENV)-parity/bin/python -m benchmarks.parity

.PHONY: bench
bench: $(VENV)-bench/stamp ## measure against what people would use instead (ten minutes); writes BENCHMARKS.md (ARGS="--against REV")
	@$(VENV)-bench/bin/python -m benchmarks $(ARGS)

# -------------------------------------------------------------------------------------------------- locked set-up

lock_header := \# Made by `make lock`: names, versions and hashes. Do not edit; change pyproject.toml or the .in file.
compile = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
          --no-header --no-annotate $(ARGS)
# $(call write_lock,NAME,SOURCES): the old file stays as the preference, so that only what must change does; whatever
# stands at a line's beginning and is no package (a comment, an option with an address) is taken out.
define write_lock
@touch requirements/$(1).txt
@$(compile) $(2) --output-file requirements/$(1).txt >/dev/null
@sed -i -e '/^\(#\|--\)/d' -e '1i $(lock_header)' requirements/$(1).txt
@printf '%-24s %3s packages\n' requirements/$(1).txt "$$(grep -c == requirements/$(1).txt)"
endef

.PHONY: lock
lock: $(VENV)/bin/pip ## write the lock files anew (ARGS=--upgrade for the newest versions)
	@$(pip) $(locked) requirements/lock.txt
	$(call write_lock,lock,requirements/lock.in)
	$(call write_lock,build,requirements/build.in)
	$(call write_lock,run,pyproject.toml --extra demo --extra pictures --constraint requirements/build.txt)
	$(call write_lock,dev,pyproject.toml --extra demo --extra pictures --extra apprise --extra calendar --extra test --extra check \
	  --constraint requirements/build.txt --constraint requirements/run.txt)
	$(call write_lock,bench,pyproject.toml requirements/bench.in --extra demo --extra pictures \
	  --constraint requirements/build.txt --constraint requirements/run.txt)
	$(call write_lock,parity,pyproject.toml requirements/parity.in \
	  --constraint requirements/run.txt)

.PHONY: clean
clean: ## remove the environment and everything made
	rm -rf $(VENV) $(VENV)-bench $(VENV)-parity build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# One folder, .venv; what is in it is what the lock files say. A stamp is as new as what was installed, so a changed
# lock installs again and an unchanged one costs nothing.

$(VENV)/run.stamp: requirements/build.txt requirements/run.txt pyproject.toml $(VENV)/bin/pip
	@echo 'Installing the locked packages into $(VENV); this happens once.'
	@$(pip) $(locked) requirements/build.txt
	@$(pip) $(locked) requirements/run.txt
	@$(pip) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo 'Installing what tests and checks need.'
	@$(pip) $(locked) requirements/dev.txt
	@touch $@

bench_pip := $(VENV)-bench/bin/python -m pip --disable-pip-version-check --no-input

$(VENV)-bench/stamp: requirements/build.txt requirements/bench.txt requirements/run.txt pyproject.toml $(VENV)/bin/pip
	@echo 'Installing what people would use instead into $(VENV)-bench (1.5 GB); this happens once.'
	@$(python) -m venv --clear '$(VENV)-bench'
	@$(bench_pip) $(locked) requirements/build.txt
	@$(bench_pip) $(locked) requirements/bench.txt \
	  || { echo 'Not all of it can be installed here; what is missing is left out.'; $(bench_pip) $(locked) requirements/run.txt; }
	@$(bench_pip) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

parity_pip := $(VENV)-parity/bin/python -m pip --disable-pip-version-check --no-input

$(VENV)-parity/stamp: requirements/build.txt requirements/parity.txt pyproject.toml $(VENV)/bin/pip
	@echo 'Installing what is compared into $(VENV)-parity (1.5 GB); this happens once.'
	@$(python) -m venv --clear '$(VENV)-parity'
	@$(parity_pip) $(locked) requirements/run.txt
	@$(parity_pip) install --quiet --require-hashes --use-pep517 -r requirements/parity.txt
	@$(parity_pip) $(locked) requirements/build.txt
	@$(parity_pip) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

say_python := needs Python 3.11 or newer. Debian, Ubuntu: apt install python3 python3-venv; or name one: make PYTHON=python3.12

$(VENV)/bin/pip: $(if $(wildcard $(VENV)/bin/pip),$(shell $(python) -c '' 2>/dev/null || echo anew))
	@command -v '$(PYTHON)' >/dev/null || { echo "ninja-daemon $(say_python) ($(PYTHON) was not found)" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ninja-daemon $(say_python) ($(PYTHON) is $$('$(PYTHON)' --version 2>&1))" >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) has no venv. Debian, Ubuntu: apt install python3-venv" \
	    "(or $$('$(PYTHON)' -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'))" >&2; exit 1; }
	@'$(PYTHON)' -m venv --clear '$(VENV)'

.PHONY: anew
anew:

# An interpreter asked for by name and another one in the folder: neither is guessed at.
ifneq ($(origin PYTHON),file)
ifneq ($(wildcard $(VENV)/bin/pip),)
asked := $(shell '$(PYTHON)' -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null)
found := $(shell $(python) -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null)
ifneq ($(asked),$(found))
ifneq ($(found),)
ifeq ($(filter clean,$(MAKECMDGOALS)),)
$(error $(VENV) holds Python $(found), PYTHON=$(PYTHON) $(if $(asked),is $(asked),does not run): `make clean` first, or add VENV=.venv-other)
endif
endif
endif
endif
endif
