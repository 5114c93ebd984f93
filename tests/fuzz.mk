# The search for inputs that break something. Needs a nightly compiler and a C++ compiler; not a part of `make test`,
# which only replays the corpus (filter/tests/fuzz.rs).
FUZZ_TOOLCHAIN ?= nightly
# For each target.
FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: .tools/fuzz.stamp ## search with each fuzz target for FUZZ_SECONDS
	@$(call title,Fuzzing)
	rustc +$(FUZZ_TOOLCHAIN) --version >/dev/null 2>&1 || $(STEP) "adding Rust $(FUZZ_TOOLCHAIN)" -- rustup toolchain install --profile minimal $(FUZZ_TOOLCHAIN)
	export PATH="$(CURDIR)/.tools/fuzz/bin:$$PATH"
	for target in tests/fuzz/fuzz_targets/*.rs; do
		name=$$(basename $$target .rs)
		RUSTUP_TOOLCHAIN=$(FUZZ_TOOLCHAIN) cargo fuzz run --fuzz-dir tests/fuzz $$name -- -max_len=65536 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1
	done
