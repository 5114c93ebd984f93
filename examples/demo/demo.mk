# `make demo` and `make up`; included by the Makefile, which says where things are:
#   STEP          runs a long command with a label and its elapsed time
#   TARGET        Cargo's target folder
#   DEMO_TOOLS    targets that install the demo's programs (Envoy, Python packages, the SpiceDB library)
#   DEMO_PYTHON   a Python with tests/tools/mcp2.txt
#   DEMO_ENVOY    the Envoy binary
#   DEMO_SPICEDB  libspicedb
#   DEMO_WASM     the filter, and a target that builds it
#   CLI           the command line, and a target that builds it

DEMO_RUN = TOOLWARD_CLI=$(CLI) TOOLWARD_WASM=$(DEMO_WASM) TOOLWARD_ENVOY=$(DEMO_ENVOY) \
	SPICEDB_LIBRARY_PATH=$(DEMO_SPICEDB) $(DEMO_PYTHON) -B examples/demo/demo.py

.PHONY: demo up
demo: $(DEMO_TOOLS) $(DEMO_WASM) $(CLI) ## a story: what an agent may do with a real MCP server, and why not
	@$(DEMO_RUN) story

up: $(DEMO_TOOLS) $(DEMO_WASM) $(CLI) ## the same, kept running for your own MCP client, until Ctrl-C
	@$(DEMO_RUN) up
