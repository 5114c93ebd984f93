# Benchmarks. They assert nothing about time. docs/benchmarks.md has the results.
# `--workspace`: the same features, and so the same build of wasmtime, as the tests.
BENCH_FLAGS ?=
NOOP := $(TARGET)/noop/wasm32-wasip1/release/noop.wasm
ENGINES := $(TARGET)/bench-engines/wasm32-unknown-unknown/release/bench_engines_guest.wasm
PARSE := $(TARGET)/bench-parse/wasm32-unknown-unknown/release/bench_parse.wasm

.PHONY: bench bench-parse bench-engines bench-fuel bench-envoy
bench: | rust ## criterion benchmarks: reading, tokens, decisions, lists, policies of 100,000 rules
	@cargo bench --locked -p policy-wasm --features compile -- $(BENCH_FLAGS)
	cargo bench --locked --workspace --bench core -- $(BENCH_FLAGS)

bench-parse: .tools/envoy.stamp | rust ## the strict reader in wasm: in Envoy's V8, in wasmtime, in Node's V8
	@$(STEP) "building the benchmark of reading" -- cargo build --locked --release --manifest-path tests/bench_parse/Cargo.toml --target wasm32-unknown-unknown --target-dir $(TARGET)/bench-parse
	cargo bench --locked --workspace --bench parse -- --envoy $(CURDIR)/$(ENVOY) --module $(abspath $(PARSE))
	$(call title,Node)
	node --no-liftoff tests/bench_parse/run.mjs $(PARSE)

bench-engines: | rust ## one decision by Toolward (natively, in wasmtime, in V8), Cedar and Rego; 10 to 100,000 rules
	@$(STEP) "building Toolward, Cedar and regorus" -- cargo build --locked --release --manifest-path tests/bench_engines/Cargo.toml --target-dir $(TARGET)/bench-engines
	$(STEP) "building Toolward's engine for wasm" -- cargo build --locked --release --manifest-path tests/bench_engines/guest/Cargo.toml --target wasm32-unknown-unknown --target-dir $(TARGET)/bench-engines
	$(call title,Natively)
	$(TARGET)/bench-engines/release/bench-engines
	$(call title,Toolward in V8)
	node --no-warnings --no-liftoff tests/bench_engines/run.mjs $(ENGINES)
	$(call title,Toolward in wasmtime)
	cargo bench --locked --workspace --bench engines -- $(abspath $(ENGINES))

bench-fuel: $(WASM) $(RUNNER) ## instructions of a permitted call, counted by wasmtime: the figure to compare over time
	@$(RUNNER) run --target wasm --wasm $(WASM) --fuel tests/scenarios/tools/permit.json tests/scenarios/cache

bench-envoy: $(WASM) .tools/envoy.stamp | rust ## CPU per request in Envoy, beside a router, an idle filter and Envoy's own filters
	@$(STEP) "building the filter that does nothing" -- cargo build --locked --release --manifest-path tests/bench_envoy/noop/Cargo.toml --target wasm32-wasip1 --target-dir $(TARGET)/noop
	mkdir -p dist
	cargo bench --locked --workspace --bench envoy -- --envoy $(CURDIR)/$(ENVOY) --wasm $(CURDIR)/$(WASM) --noop $(abspath $(NOOP)) --out $(CURDIR)/dist/bench-envoy.json $(BENCH_FLAGS)
