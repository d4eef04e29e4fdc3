# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The one front door. `make` alone tells what there is; every target sets up
# what it needs by itself (scripts/setup: Debian packages, Rust where missing).

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# rustup puts cargo here, and not always on the PATH.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# What `make record` takes; see scripts/record.
DURATION ?= 10
CAMERA ?=
MICROPHONE ?=
REPLAY ?=
MEDIA ?=
OUT ?=
PROFILE ?= dev
FUZZ_S ?= 600
export DURATION CAMERA MICROPHONE REPLAY MEDIA OUT PROFILE

ALSA_PLUGIN := target/alsa/libasound_module_pcm_sealcam_paced.so
PRELOADS := target/preload/sealcam_stall.so target/preload/sealcam_clock.so
SCRIPTS := .ci/run scripts/setup scripts/record scripts/chroot-test scripts/check-scripts \
           tests/footage/make bench/bench.py bench/running.py bench/evidence.py \
           crates/sensors/tests/logs/make.py

##@ Use
.PHONY: record
record: ## Record DURATION=10 seconds, verify, say how it went (CAMERA= MICROPHONE= REPLAY= OUT=)
	@scripts/setup record
	@scripts/record

.PHONY: build
build: ## Build everything with optimisation, in target/release
	@scripts/setup record
	cargo build --locked --release

##@ Develop
.PHONY: test
test: setup-test $(ALSA_PLUGIN) $(PRELOADS) footage ## Run every test
	cargo test --locked --workspace

.PHONY: check
check: ## All that must hold before a change goes in: format, lints, tests, docs, licences, scripts
	@scripts/setup check
	@$(MAKE) format lint docs deny scripts-check test

.PHONY: bench
bench: setup-bench ## Measure against peers in the same run, with the limit beside each figure
	cargo build --locked --release --bin sealcamd --bin sealcamctl --bin simulator --example large
	tests/footage/make --large
	/usr/bin/python3 bench/bench.py $(BENCH)

.PHONY: fuzz
fuzz: ## Feed any bytes to what reads GNSS receivers, for FUZZ_S=600 seconds
	@scripts/setup test
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz@0.13.2
	@mkdir -p target/fuzz/nmea
	RUSTC_BOOTSTRAP=1 cargo fuzz run nmea $(CURDIR)/target/fuzz/nmea $(CURDIR)/fuzz/corpus/nmea -- -max_total_time=$(FUZZ_S)

.PHONY: chroot-test
chroot-test: ## Record and test a fresh clone in a bare Debian 12 (needs root)
	@scripts/setup chroot-test
	@scripts/chroot-test

.PHONY: setup
setup: ## Install what `make record` needs, and nothing else
	@scripts/setup record

.PHONY: clean
clean: ## Remove what was built; recordings in out/ stay
	rm -rf target

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	    /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The parts of `make check`, each of use alone.

.PHONY: format lint docs deny scripts-check footage setup-test setup-bench
format:
	cargo fmt --all --check

lint:
	cargo clippy --locked --workspace --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps --document-private-items

# Building cargo-deny takes longer than all our own checks: used where it is at hand.
deny:
	@if cargo deny --version >/dev/null 2>&1; \
	then cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed: licences and sources of crates not checked"; fi

scripts-check:
	scripts/check-scripts $(SCRIPTS)

footage: setup-test
	@tests/footage/make

setup-test setup-bench:
	@scripts/setup $(@:setup-%=%)

$(ALSA_PLUGIN): tests/alsa/sealcam_paced.c | setup-test
	@mkdir -p $(@D)
	cc -std=c11 -Wall -Wextra -Werror -O2 -fPIC -shared -DPIC -o $@ $< -lasound -lm

$(PRELOADS): target/preload/%.so: tests/preload/%.c | setup-test
	@mkdir -p $(@D)
	cc -std=c11 -Wall -Wextra -Werror -O2 -fPIC -shared -o $@ $< -ldl
