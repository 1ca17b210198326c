# The commands that people and CI use. `make help` lists them.

# Outside of the checkout, so that several checkouts share what they build from the same dependencies.
CARGO_TARGET_DIR ?= $(HOME)/.cache/mochiyori/target
export CARGO_TARGET_DIR
# Where rustup puts cargo, for shells that have not been told.
export PATH := $(PATH):$(HOME)/.cargo/bin

# More arguments for the program behind a target: make demo ARGS="--listen 127.0.0.1:9000"
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name about; do \
		printf '  make %-14s %s\n' "$$name" "$$about"; done

.PHONY: demo
demo: setup-build ## build, make a year of sample data, and serve it (Rust and a C compiler are enough)
	cargo build --workspace --bin mochiyori --locked
	"$(CARGO_TARGET_DIR)/debug/mochiyori" demo $(ARGS)

.PHONY: test
test: setup ## everything that CI checks, all tests included
	cargo xtask check $(ARGS)

.PHONY: lint
lint: setup-build ## what can be told without running anything
	cargo xtask check format manifests edges doc-paths invariants file-length machine-paths lints docs

.PHONY: openapi
openapi: setup-build ## rewrite openapi/mochiyori-v1.json from the program
	cargo xtask openapi

.PHONY: bench
bench: setup ## the benchmarks, beside DuckDB, in release builds
	cargo build --workspace --bin mochiyori --example bare_route --release --locked
	tests/bench/run.sh $(ARGS)

.PHONY: image
image: ## the container image
	docker build --tag mochiyori:dev .

.PHONY: setup
setup: ## install or name what building and testing need; quick when all is there
	scripts/setup.sh test

.PHONY: setup-build
setup-build: ## the same for building alone
	scripts/setup.sh build
