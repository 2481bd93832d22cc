# make             explains the targets
# make VARIABLE=VALUE TARGET

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

# Which cluster: kind, netns, or auto (kind where kind and a running engine are there, else netns).
PROVIDER ?= auto
# A folder that brings up kind without a container registry, as a checkout beside this one may have; empty for none.
KIND_KIT ?= $(realpath ../shared/kind)
# The lab's cluster.
NAME ?= demo

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export KIND_KIT PROVIDER PODNET_NODE_IMAGE
export MOLECULE_GLOB := molecule/*/molecule.yml
# Without bytecode every play and every test run compiles Ansible and the Kubernetes client anew, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

# With the kit: its node image, its own network, and an address outside that answers without the Internet.
ifneq ($(KIND_KIT),)
ifneq ($(PROVIDER),netns)
PODNET_NODE_IMAGE := $(shell sed -n 's/^ *image: *//p' $(KIND_KIT)/demo.yaml | head -n 1)
kit_vars := -e lab_cluster_node_image=$(PODNET_NODE_IMAGE) -e '{"lab_cluster_cni": ["default"]}'
outside_vars = -e connectivity_outside=$$($(KIND_KIT)/outside up)
kit = kit
endif
endif
# What is said on the command line beside a target, for this cluster.
this_cluster = $(foreach name,PROVIDER NAME,$(if $(findstring command line,$(origin $(name))), $(name)=$($(name))))
lab_vars = -e lab_cluster_provider=$(PROVIDER) -e lab_cluster_name=$(NAME) $(kit_vars)

.PHONY: help
help: ## Explain the targets.
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo
	@echo "  PROVIDER=kind|netns|auto chooses the cluster, KIND_KIT=folder brings up kind without a registry (now: $(or $(KIND_KIT),none))."

.PHONY: lab
lab: setup-lab $(if $(kit),up) ## Set everything up and run the lab (Tasks 1 to 6) on a cluster of its own.
	@ansible-playbook lab.yml $(lab_vars) $(outside_vars)
	@echo "The cluster $(NAME) stays. To remove it: $(strip make down $(this_cluster))"

.PHONY: up
up: setup-lab $(kit) ## Make the lab's cluster, or find it.
	@ansible-playbook lab.yml --tags up $(lab_vars)

.PHONY: down
down: setup-lab ## Remove the lab's cluster.
	@ansible-playbook lab.yml --tags down $(lab_vars)

.PHONY: test
test: setup-test $(kit) ## Set everything up and run all tests, on each cluster that there is (or PROVIDER=kind|netns).
	@python tests/gates.py all

.PHONY: check
check: setup-test ## Lint, types, layers and unit tests: the daily loop.
	@python tests/gates.py quick

.PHONY: test-matrix
test-matrix: setup-test ## Run the tests and the lab with each Python, ansible-core and Kubernetes client, on netns clusters.
	@python tests/matrix.py

.PHONY: soak
soak: setup-test ## Judge a healthy netns cluster 200 times on a busy machine, and try the parsers with many more inputs: half an hour.
	@PYTHONPATH=build python tests/soak.py

.PHONY: docs
docs: setup-test ## Write docs/findings.md from the catalogue of findings.
	@PYTHONPATH=build python tools/findings.py > docs/findings.md

.PHONY: bench
bench: setup-test $(kit) ## Measure against kubectl, kubernetes.core and jc, and print a table of ratios.
	@PYTHONPATH=build python tests/benchmarks

.PHONY: clean
clean: ## Remove what was built here; clusters stay (make down).
	rm -rf build .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.PHONY: lock
lock: setup-test ## Pin the requirements anew.
	@for set in uv lab dev bench matrix/kubernetes-35 matrix/kubernetes-newest; do \
	  (cd requirements && uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header $$set.in -o $$set.txt) || exit; \
	done

.PHONY: setup-lab setup-test kit
setup-lab:
	@tools/set-up lab
setup-test:
	@tools/set-up test
# Silent where kind is there already; otherwise it takes its time, and shows what it does.
kit:
	@if docker info > /dev/null 2>&1 && command -v kind > /dev/null; then $(KIND_KIT)/install > /dev/null; \
	else echo "set-up: bringing up kind by $(KIND_KIT), which takes about 20 minutes the first time"; $(KIND_KIT)/install; fi
