# The policy engine for JavaScript and the playground. Packages come from examples/playground/package-lock.json, the browser of
# the tests among them; none of their install scripts is run.

NPM := dist/npm
PLAYGROUND := dist/playground
BINDGEN := .tools/bindgen/release/toolward-bindgen
# A page must load quickly: at most 1.2 MB for the module.
NPM_MOST := 1200000

.PHONY: npm playground js
npm: $(NPM)/engine_bg.wasm ## the policy engine for Node and browsers, dist/npm
playground: $(PLAYGROUND)/index.html ## the page to try policies on, dist/playground

js: $(NPM)/engine_bg.wasm $(PLAYGROUND)/index.html $(CLI) ## the engine in Node and Chromium against the command line, and the playground
	@$(call title,JavaScript)
	TOOLWARD_CLI=$(CURDIR)/$(CLI) node --test --test-concurrency=1 --test-reporter=spec examples/playground/test/*.test.mjs

$(BINDGEN): policy-wasm/js/bindgen/Cargo.lock policy-wasm/js/bindgen/src/main.rs | rust
	@$(STEP) "building the bindings' tool" -- cargo build $(CARGO_FLAGS) --manifest-path policy-wasm/js/bindgen/Cargo.toml --target-dir .tools/bindgen
	touch $@

$(NPM)/engine_bg.wasm: FORCE $(BINDGEN) | rust
	@$(STEP) "building the engine for JavaScript" -- cargo build --locked -p policy-js --target wasm32-unknown-unknown --profile js
	mkdir -p $(NPM)
	rm -f $(NPM)/*
	$(BINDGEN) $(TARGET)/wasm32-unknown-unknown/js/policy_js.wasm $(NPM)
	cp policy-wasm/js/npm/* LICENSE $(NPM)/
	size=$$(wc -c < $@); [ "$$size" -le $(NPM_MOST) ] || { echo "$@ has $$size bytes, more than $(NPM_MOST)" >&2; exit 1; }

$(PLAYGROUND)/index.html: FORCE $(NPM)/engine_bg.wasm .tools/js.stamp
	@$(STEP) "building the playground" -- node examples/playground/build.mjs $(PLAYGROUND)
