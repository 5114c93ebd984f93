# The hostile corpora against real readers and clients; included by the Makefile. Go's readers run where Go is.
RMCP_READERS := $(TARGET)/release/rmcp-readers
RMCP_ANSWERS := $(TARGET)/release/answers
GO_READERS := .tools/go-readers/readers
GO_ANSWERS := .tools/go-readers/answers
GO_URLS := .tools/go-readers/urls
RUST_URLS := $(TARGET)/release/urls

.PHONY: differential
differential: $(RUNNER) .tools/mcp1.stamp .tools/mcp2.stamp .tools/node.stamp .tools/differential.stamp | rust ## hostile requests and answers through real SDKs: what any of them would misread, the filter refuses
	@$(call title,Differential corpus)
	$(STEP) "building the readers in Rust" -- cargo build $(CARGO_FLAGS) --manifest-path tests/differential/rmcp/Cargo.toml --target-dir $(TARGET)
	go=() answers=() urls=()
	if command -v go >/dev/null; then
		mkdir -p $(dir $(GO_READERS))
		$(STEP) "building the readers in Go" -- go -C tests/differential/go build -mod=readonly -o $(CURDIR)/$(GO_READERS) .
		$(STEP) "building the client in Go" -- go -C tests/differential/go build -mod=readonly -o $(CURDIR)/$(GO_ANSWERS) ./answers
		$(STEP) "building the parser in Go" -- go -C tests/differential/go build -mod=readonly -o $(CURDIR)/$(GO_URLS) ./urls
		go=(--go $(CURDIR)/$(GO_READERS)) urls=(--go $(CURDIR)/$(GO_URLS)) answers=(--go $(CURDIR)/$(GO_ANSWERS))
	fi
	$(PYTHON) tests/differential/uris.py --cli $(RUNNER) --rust $(abspath $(RUST_URLS)) "$${urls[@]}"
	$(PYTHON) tests/differential/differential.py --cli $(RUNNER) --rmcp $(abspath $(RMCP_READERS)) "$${go[@]}"
	$(PYTHON) tests/differential/answers.py --cli $(RUNNER) --rmcp $(abspath $(RMCP_ANSWERS)) "$${answers[@]}"
