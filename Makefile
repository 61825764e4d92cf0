# `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help root packages build cluster demo test test-heavy bench dist clean-cluster

CLUSTER := tests/cluster/cluster

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

root:
	@$(CLUSTER) check root

packages: ## install what building and testing need (Debian, as root)
	@tests/packages

build: ## the plugin, target/release/kubectl-stateful, and beside it the mover that `migrate` sends into pods
	@cargo build --locked --release
	scripts/mover

cluster: ## build and start a Kubernetes cluster on this machine, named stateful
	@$(CLUSTER) check
	$(CLUSTER) build
	$(CLUSTER) image build all
	$(CLUSTER) up
	echo "next: eval \"\$$($(CLUSTER) env)\""

demo: root packages build cluster ## the cluster with a replicated PostgreSQL, and the plugin's view of it
	@demo/run

test: root packages ## format, lints, unit tests, then live tests on a cluster of their own
	@tests/all light

test-heavy: root packages ## the live tests that take two cores long: databases by the half dozen, promotions, drains, moves
	@tests/all heavy

bench: ## measure the plugin against kubectl, repmgr and patronictl: 30,000 pods, pods that leave, switchovers, moves
	@tests/bench/run
	tests/bench/scaling
	tests/bench/promote
	tests/bench/migrate

dist: ## the release archive of this machine's platform and the krew manifest, in dist
	@scripts/dist

clean-cluster: ## stop every cluster and remove its data; caches stay
	@$(CLUSTER) clean
