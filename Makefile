# `make` alone lists what there is.

SHELL := /bin/bash
# no "Entering directory" around an output that a program reads
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
# cargo uses all the cores by itself
.NOTPARALLEL:

CARGO_FLAGS := --release --locked
PLUGINS_RUST := $(dir $(wildcard plugins/*/Cargo.toml))
PLUGINS_OTHER := $(dir $(wildcard plugins/*/pyproject.toml plugins/*/package.json))
DENY := target/tools/bin/cargo-deny --locked
# what follows the command of demo and bench
ARGS ?=

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: install
install: ## install what a Debian machine lacks (Rust itself must be there)
	@scripts/install

.PHONY: build
build: ## build the program: target/release/tamis
# all of the workspace: with fewer packages some dependencies have fewer features, and would be built twice
	@cargo build $(CARGO_FLAGS) --workspace

.PHONY: plugins
plugins: plugins-rust languages ## build the reference plugins: plugins/NAME/NAME.wasm
	@for plugin in $(PLUGINS_OTHER); do target/release/tamis plugin build "$$plugin" || exit 1; done >&2

# what needs no tools of other languages
.PHONY: plugins-rust
plugins-rust: build
	@for plugin in $(PLUGINS_RUST); do target/release/tamis plugin build "$$plugin" || exit 1; done >&2

.PHONY: check
check: fmt clippy doc deny ## format, lints, documentation, dependencies

.PHONY: fmt clippy doc deny
fmt:
	@cargo fmt --all --check
clippy:
	@cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
doc:
	@RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --workspace --no-deps
deny:
	@scripts/install tools >&2
	@$(DENY) check bans licenses sources

.PHONY: test
test: ## install, check, build and run every test: what CI runs
	@scripts/test

.PHONY: demo
demo: toolchain plugins-rust ## see it at work; ARGS="--json" ends in one line of JSON
	@target/release/tamis demo $(ARGS)

.PHONY: bench
bench: toolchain plugins ## measure it; ARGS="--quick" for a short one, see bench/README.md
	@scripts/install kafka tools >&2
	@mkdir -p target/bench
	@CARGO_TARGET_DIR=target target/release/tamis plugin build bench/noop -o target/bench/noop.wasm >&2
	@cargo run $(CARGO_FLAGS) --manifest-path bench/Cargo.toml -- $(ARGS)

# where `make prove` writes to, and how much it and `make simulate` do; their own defaults where they are empty
SINK ?=
RECORDS ?=
KILLS ?=
REBALANCES ?=
BROKER_KILLS ?=
SERVER_KILLS ?=
FREEZES ?=
STATIC ?=
SWAPS ?=
PACE_MS ?=
RATE ?=
SEED ?=
SEEDS ?=
# the servers that a sink of `make prove` writes to
SERVERS_elasticsearch := elasticsearch
SERVERS_mongodb := mongo
SERVERS_mysql := mariadb
SERVERS_all := elasticsearch mongo mariadb

.PHONY: prove
prove: toolchain plugins-rust ## kill members and servers: each record is seen once; SINK=files|kafka|elasticsearch|mongodb|mysql|all RECORDS=200000 KILLS=10 SERVER_KILLS=3 SEED=; SWAPS=200 swaps a plugin all the while
	@scripts/install kafka $(SERVERS_$(SINK)) tools >&2
	@$(if $(SWAPS),tests/hostile/build versions >&2)
	@target/release/prove $(if $(SWAPS),SWAPS=$(SWAPS) PACE_MS=$(PACE_MS) RATE=$(RATE), \
	  SINK=$(SINK) REBALANCES=$(REBALANCES) BROKER_KILLS=$(BROKER_KILLS) SERVER_KILLS=$(SERVER_KILLS) \
	  FREEZES=$(FREEZES) STATIC=$(STATIC)) RECORDS=$(RECORDS) KILLS=$(KILLS) SEED=$(SEED)

.PHONY: soak
soak: toolchain plugins-rust ## swap a plugin 2,000 times while 50 million records flow, and print how much memory it takes; SWAPS=2000 RECORDS=50000000 PACE_MS=300
	@scripts/install kafka tools >&2
	@tests/hostile/build versions >&2
	@target/release/prove CALM=1 KILLS=0 SWAPS=$(or $(SWAPS),2000) RECORDS=$(or $(RECORDS),50000000) \
	  PACE_MS=$(or $(PACE_MS),300) RATE=$(RATE) SEED=$(SEED)

.PHONY: simulate
simulate: toolchain ## run the engine in SEEDS=100000 worlds of faults; a failing one is made small and printed
	@cargo run $(CARGO_FLAGS) -p tamis-simulation --bin simulate -- --seeds $(or $(SEEDS),100000)

.PHONY: mutants
mutants: toolchain ## put known bugs into the engine one by one: the simulation must find each of them
	@tests/mutants/run

.PHONY: image
image: toolchain plugins ## make the container image of what is built here; RUN_BASE=debian:trixie-slim
	@deploy/image/build

.PHONY: test-container
test-container: toolchain plugins ## run the image on real servers, stop and kill it in the middle: each record is there once; needs root, RECORDS=40000
	@scripts/install kafka elasticsearch tools >&2
	@tests/services/docker.sh install
	@tests/container/run

# how long `make fuzz` looks, at which target alone, and an input that it is to run again
SECONDS ?=
TARGET ?=
INPUT ?=

.PHONY: fuzz
fuzz: toolchain ## look for inputs that a reader fails on, for SECONDS=600 in all; TARGET=view|splice|config|dead_letter|manifest, INPUT=FILE runs that one again
	@fuzz/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(TARGET),--target $(TARGET)) $(if $(INPUT),--input $(INPUT))

# what builds plugins that are not in Rust
.PHONY: languages
languages:
	@scripts/install languages >&2

# what a build alone needs
.PHONY: toolchain
toolchain:
	@scripts/install build wasm >&2

.PHONY: audit
audit: ## look the dependencies up among the known vulnerabilities (needs the network)
	@scripts/audit

.PHONY: clean
clean: ## remove what was built, and the services of the tests with their data
	@for service in tests/services/*.sh; do "$$service" clean; done
	@rm -f plugins/*/*.wasm
	@cargo clean
