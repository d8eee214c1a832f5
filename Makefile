# All commands for developers. `script/bootstrap` first installs what is needed besides Rust.
.DEFAULT_GOAL := help
.PHONY: help demo test test-versions differential check bench accuracy accuracy-of-kinds fuzz bootstrap bootstrap-for-tests

CARGO ?= cargo

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: bootstrap ## Rehearse a scenario, estimate it, run it in full: predicted against actual (DEMO_ARGS="--output DIR …")
	$(CARGO) run --release --locked -- demo $(DEMO_ARGS)

test: bootstrap-for-tests ## Run all tests, on a PostgreSQL server of their own (TEST_ARGS="…")
	$(CARGO) test --locked $(TEST_ARGS)

test-versions: bootstrap-for-tests ## Run the tests that touch a server on PostgreSQL 13 to 18, from npm (TESTS="pattern" or --differing, VERSIONS="13 18")
	@VERSIONS="$(VERSIONS)" script/test-versions "$(TESTS)"

differential: bootstrap-for-tests ## Compare plans of random statements with what PostgreSQL 13 to 18 do (STATEMENTS=2000 VERSIONS="13 18")
	@DIFFERENTIAL="$(or $(STATEMENTS),2000)" VERSIONS="$(VERSIONS)" script/test-versions differential::

check: bootstrap ## Check format and lints
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path fuzz/Cargo.toml
	$(CARGO) clippy --all-targets --locked -- -D warnings

bench: bootstrap ## Run the benchmarks (BENCH_ARGS="…")
	$(CARGO) bench --locked $(BENCH_ARGS)

accuracy: bootstrap ## Measure how often the estimates are right, on a quiet machine (MINUTES=60 BACKTEST_ARGS="…")
	$(CARGO) run --release --locked -- backtest --minutes $(or $(MINUTES),60) $(BACKTEST_ARGS)

accuracy-of-kinds: bootstrap ## Measure it kind by kind of statement, from small clones to production's size (KINDS="pattern")
	$(CARGO) build --release --locked
	script/accuracy-of-kinds $(KINDS) >reports/accuracy/kinds.csv

fuzz: bootstrap ## Fuzz each reader of files for ten minutes (SECONDS=600 TARGETS="sql …" KEEP=1: keep what reaches more)
	@KEEP="$(KEEP)" script/fuzz "$(or $(SECONDS),600)" $(TARGETS)

bootstrap:
	@script/bootstrap

# Only the tests need a pooler, to put targets behind it.
bootstrap-for-tests:
	@script/bootstrap pgbouncer
