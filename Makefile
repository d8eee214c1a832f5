# Everything a developer runs. `script/bootstrap` first makes sure of what is needed beside Rust.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench bootstrap

CARGO ?= cargo

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: bootstrap ## Rehearse a scenario, estimate it, run it in full: predicted against actual (DEMO_ARGS="--output DIR …")
	$(CARGO) run --release --locked -- demo $(DEMO_ARGS)

test: bootstrap ## Run all tests, on a PostgreSQL server of their own (TEST_ARGS="…")
	$(CARGO) test --locked $(TEST_ARGS)

check: bootstrap ## Check format and lints
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings

bench: bootstrap ## Run the benchmarks (BENCH_ARGS="…")
	$(CARGO) bench --locked $(BENCH_ARGS)

bootstrap:
	@script/bootstrap
