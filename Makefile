# `make help` lists the targets. All of them can be run again; existing parts are reused.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
# Arguments of benchmarks/allinone.py for `make bench`; default: one node, packages downloaded.
BENCH ?=
VENV := .venv
BIN := $(VENV)/bin

# Debian packages that `stackwright lab` needs, and further ones for the tests.
LAB_PACKAGES := mmdebstrap systemd-container nftables iproute2 openssh-client python3-venv
TEST_PACKAGES := $(LAB_PACKAGES) openssh-server tmux puppet-agent facterdb qemu-system-x86 chromium chromium-driver zsh \
  puppet-module-aodh puppet-module-camptocamp-systemd puppet-module-ceilometer puppet-module-gnocchi \
  vagrant vagrant-libvirt gpg gpg-agent dpkg-dev sudo tcsh fish ksh \
  rpm cpio debhelper python3-pip

.PHONY: help
help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:[^#]*## */\t/' | expand -t 14

.PHONY: cloud
cloud: lab-packages $(VENV)/.ready  ## install and verify an all-in-one cloud on a throw-away node of this machine (root)
	$(BIN)/stackwright --allinone --lab

.PHONY: test
test: test-packages $(VENV)/.ready  ## run all tests, also on real nodes; installs missing Debian packages (root)
	$(BIN)/python tests/run all

.PHONY: test-long
test-long: test-packages $(VENV)/.ready  ## run the tests that take too long for `make test`; reasons in CONTRIBUTING.md (root, more than an hour)
	$(BIN)/python tests/run long

.PHONY: check
check: $(VENV)/.ready  ## check style and types, run the tests that need neither root nor a network
	$(BIN)/python tests/run check

.PHONY: bench
bench: lab-packages $(VENV)/.ready  ## measure a cloud, its packages alone and Packstack's way (root, more than an hour)
	$(BIN)/python benchmarks/allinone.py $(BENCH)

.PHONY: lint
lint: $(VENV)/.ready  ## check style, types and shell scripts only
	$(BIN)/python tests/run lint

.PHONY: golden
golden: $(VENV)/.ready  ## rewrite the expected plans; read the difference before you commit it
	$(BIN)/python -m pytest -q -n0 tests/plans --update-golden

.PHONY: documents
documents: $(VENV)/.ready  ## rewrite the generated parts of README.md and docs/
	$(BIN)/python tests/documents.py

.PHONY: screenshot
screenshot: $(VENV)/.ready  ## the same, and take the screenshot of the README (needs Chromium)
	$(BIN)/python tests/documents.py --screenshot

.PHONY: clean
clean:  ## remove the environment, caches and results; not the lab's nodes
	rm -rf $(VENV) dist build test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first run needs a network, or wheels that pip finds without one.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

.PHONY: lab-packages
lab-packages:
	tests/packages $(LAB_PACKAGES)

# The Puppet modules are those of a Debian 12 node; the platform's record lists them.
.PHONY: test-packages
test-packages: lab-packages $(VENV)/.ready
	tests/packages $(TEST_PACKAGES) $$($(BIN)/python -c 'from stackwright.platforms import by_id; print(*by_id("debian-12").module_packages)')
