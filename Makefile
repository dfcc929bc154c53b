# Everything a change must pass is `make check`. It needs Go, a C compiler for
# the race detector and, when caches are cold, the module proxy.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

root  := $(CURDIR)
# Developer tools have a module of their own, which cannot be part of the workspace.
tool  := GOWORK=off go tool -modfile=$(root)/tools/go.mod
modules := . examples
FUZZTIME ?= 10s
RAPID_CHECKS ?= 2000
COUNT ?= 1
GATE_PROPERTIES := Gate|Wild|Tighter|Oracle|Envelope|Buffer
MUTATE ?=

.PHONY: help check format-check fmt lint vet test tidy-check build bench-once bench fuzz long golden mutate

help: ## list the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s %s\n", $$1, $$2}' Makefile

check: ## all checks, the cheap ones first; stops at the first that fails
	for step in format-check tidy-check vet lint build test bench-once; do
		printf '\n== %s\n' "$$step"
		$(MAKE) "$$step" || { printf '\n== %s failed\n' "$$step" >&2; exit 1; }
	done
	printf '\n== all checks passed\n'

format-check: ## list files that gofumpt would change
	files=$$($(tool) gofumpt -l .)
	test -z "$$files" || { printf 'run "make fmt" for:\n%s\n' "$$files" >&2; exit 1; }

fmt: ## format and group imports
	$(tool) gofumpt -w .
	for module in $(modules); do (cd "$$module" && $(tool) golangci-lint fmt ./...); done

lint: ## golangci-lint over both modules, with and without the AGPL indicators
	for module in $(modules); do (cd "$$module" && $(tool) golangci-lint run ./...); done
	cd examples && $(tool) golangci-lint run --build-tags nocinar ./...

vet: ## go vet, with and without the AGPL indicators
	go vet work
	go vet -tags nocinar work

test: ## every test with the race detector
	go test -race work

tidy-check: ## go.mod and go.sum are what go mod tidy would write
	for module in $(modules) tools; do (cd "$$module" && GOWORK=off go mod tidy -diff); done

build: ## each module as an importer gets it, then the examples without AGPL code
	for module in $(modules); do (cd "$$module" && GOWORK=off go build ./...); done
	cd examples && go build -tags nocinar ./...

bench-once: ## every benchmark once, so that none rots
	go test -run='^$$' -bench=. -benchtime=1x work

bench: ## measure; COUNT=10 for benchstat
	go test -run='^$$' -bench=. -count=$(COUNT) work

fuzz: ## every fuzz target for FUZZTIME and every property RAPID_CHECKS times
	bash scripts/fuzz $(FUZZTIME) $(RAPID_CHECKS)

long: ## the gate's properties and its comparison with the oracle, 100,000 cases each; a week of faults of the exchange; 200 kills of writers
	go test ./store/sqlite ./store/postgres -count=1 -timeout=60m -run SurvivesAKill -long
	go test . -count=1 -timeout=60m -run TestFaultsOfTheExchange -long
	go test ./decision -count=1 -timeout=180m -run '$(GATE_PROPERTIES)' -long

golden: ## write golden files anew; read the diff before you commit it
	bash scripts/golden

mutate: ## changes of the risk gate that no test notices; minutes; MUTATE="-out FILE"
	go run ./scripts/mutate $(MUTATE)
