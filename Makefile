CARGO_TARGET_DIR ?= $(HOME)/.cache/mochiyori/target
export CARGO_TARGET_DIR
.PHONY: test
test:
	cargo nextest run --workspace
