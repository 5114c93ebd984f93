# The hostile corpus against real readers; included by the Makefile. Go's readers run where Go is.
RMCP_READERS := $(TARGET)/release/rmcp-readers
GO_READERS := .tools/go-readers/readers

.PHONY: differential
differential: $(CLI) .tools/mcp1.stamp .tools/mcp2.stamp .tools/differential.stamp | rust ## hostile requests through real SDKs: what any of them would misread, the filter refuses
	@$(call title,Differential corpus)
	$(STEP) "building the readers in Rust" -- cargo build $(CARGO_FLAGS) --manifest-path tests/differential/rmcp/Cargo.toml --target-dir $(TARGET)
	go=()
	if command -v go >/dev/null; then
		mkdir -p $(dir $(GO_READERS))
		$(STEP) "building the readers in Go" -- go -C tests/differential/go build -mod=readonly -o $(CURDIR)/$(GO_READERS) .
		go=(--go $(CURDIR)/$(GO_READERS))
	fi
	$(PYTHON) tests/differential/differential.py --cli $(CLI) --rmcp $(abspath $(RMCP_READERS)) "$${go[@]}"

.tools/differential.stamp: tests/tools/differential/package-lock.json tests/tools/differential/package.json
	@if cmp -s $< .tools/differential/installed; then touch $@; exit 0; fi
	rm -rf .tools/differential $@
	command -v npm >/dev/null || { echo 'Node is missing: version 20 or later is needed' >&2; exit 1; }
	mkdir -p .tools/differential
	cp tests/tools/differential/package.json tests/tools/differential/package-lock.json .tools/differential/
	$(STEP) "installing the TypeScript SDKs" -- npm ci --prefix .tools/differential --ignore-scripts --no-audit --no-fund --loglevel=error
	ln -sfn ../../.tools/differential/node_modules tests/differential/node_modules
	cp $< .tools/differential/installed
	touch $@
