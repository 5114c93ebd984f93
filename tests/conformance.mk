# The official conformance suite, straight at our fixture servers and through Envoy with the filter. Not a part of
# `make test`. Its packages come from tests/conformance/package-lock.json; no install script is run.

.PHONY: conformance
conformance: $(WASM) $(CLI) .tools/envoy.stamp .tools/conformance.stamp ## the official MCP suite with and without the filter, check by check
	@$(call title,Conformance with and without the filter)
	$(TEST_TOOLS) $(PYTHON) tests/conformance/run.py
