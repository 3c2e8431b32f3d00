# `make help` lists the targets. Everything can be run again; what is there already is left alone.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
# What `make bench` measures: ways, and the options of benchmarks/allinone.py; without it, one node, all packages there.
BENCH ?=
VENV := .venv
BIN := $(VENV)/bin

# What `stackwright lab` calls; and what the tests call beyond that.
LAB_PACKAGES := mmdebstrap systemd-container nftables iproute2 openssh-client python3-venv
TEST_PACKAGES := $(LAB_PACKAGES) openssh-server puppet-agent facterdb qemu-system-x86 chromium chromium-driver zsh \
  puppet-module-camptocamp-systemd vagrant vagrant-libvirt gpg gpg-agent dpkg-dev

.PHONY: help
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:[^#]*## */\t/' | expand -t 14

.PHONY: cloud
cloud: lab-packages $(VENV)/.ready  ## a verified all-in-one cloud on a throw-away node of this machine (root)
	$(BIN)/stackwright --allinone --lab

.PHONY: test
test: test-packages $(VENV)/.ready  ## everything, also on real nodes; installs Debian packages that are missing (root)
	$(BIN)/python tests/run all

.PHONY: test-long
test-long: test-packages $(VENV)/.ready  ## what takes too long for `make test`; CONTRIBUTING.md says why (root, an hour and more)
	$(BIN)/python tests/run long

.PHONY: check
check: $(VENV)/.ready  ## style, types and the tests that need no root and no network
	$(BIN)/python tests/run check

.PHONY: bench
bench: lab-packages $(VENV)/.ready  ## an all-in-one cloud, its packages alone, Packstack's way: an hour and more (root)
	$(BIN)/python benchmarks/allinone.py $(BENCH)

.PHONY: lint
lint: $(VENV)/.ready  ## style, types and shell scripts only
	$(BIN)/python tests/run lint

.PHONY: golden
golden: $(VENV)/.ready  ## writes the expected plans anew; read the difference before committing it
	$(BIN)/python -m pytest -q -n0 tests/plans --update-golden

.PHONY: documents
documents: $(VENV)/.ready  ## rewrites the generated parts of README.md and docs/
	$(BIN)/python tests/documents.py

.PHONY: screenshot
screenshot: $(VENV)/.ready  ## the same, and takes the screenshot of the README (needs Chromium)
	$(BIN)/python tests/documents.py --screenshot

.PHONY: clean
clean:  ## removes what is made here: the environment, caches, results; not the lab's nodes
	rm -rf $(VENV) dist build test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first time this needs a network, or wheels that pip finds without one.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

.PHONY: lab-packages
lab-packages:
	tests/packages $(LAB_PACKAGES)

# The Puppet modules are those that a Debian 12 node gets; the platform's record names them.
.PHONY: test-packages
test-packages: lab-packages $(VENV)/.ready
	tests/packages $(TEST_PACKAGES) $$($(BIN)/python -c 'from stackwright.platforms import by_id; print(*by_id("debian-12").module_packages)')
