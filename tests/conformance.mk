# The official conformance suite, straight at our fixture servers and through Envoy with the filter. Not a part of
# `make test`. What it needs comes from tests/conformance/package-lock.json; no install script is run.

.PHONY: conformance
conformance: $(WASM) $(CLI) .tools/envoy.stamp .tools/conformance.stamp ## the official MCP suite with and without the filter, check by check
	@$(call title,Conformance with and without the filter)
	$(TEST_TOOLS) $(PYTHON) tests/conformance/run.py

.tools/conformance.stamp: tests/conformance/package-lock.json tests/conformance/package.json
	@if cmp -s $< .tools/conformance/installed; then touch $@; exit 0; fi
	rm -rf .tools/conformance $@
	command -v npm >/dev/null || { echo 'Node is missing: version 20 or later is needed' >&2; exit 1; }
	mkdir -p .tools/conformance
	cp tests/conformance/package.json tests/conformance/package-lock.json .tools/conformance/
	$(STEP) "installing the conformance suite" -- npm ci --prefix .tools/conformance --ignore-scripts --no-audit --no-fund --loglevel=error
	ln -sfn ../../.tools/conformance/node_modules tests/conformance/node_modules
	cp $< .tools/conformance/installed
	touch $@
