# Everything runs from .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
# Where a machine forbids Python to keep what it compiled, each of the many processes of a test would compile all anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test contract check lint types layers wheel install-test node-clients systemd-test schema-fixture lock man simulate sweep machine planted mutants coverage fuzz bench bench-explain bench-packs bench-load bench-rules bench-aids bench-balance bench-commands bench-engine bench-plan bench-edits bench-pulls bench-scale bench-spark spark fairness soak evening real screenshots logs site site-serve storm walk-oncall fuzz-readers fuzz-commands audit-deps sbom lanes clean
.DEFAULT_GOAL := help

help: ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 12

setup: $(STAMP) ## make .venv with the syncd command in it

$(STAMP): requirements-dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit("syncd needs Python 3.11 or newer; name one with make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP) ## the whole main job on two sandbox CRMs, in a temporary folder
	@$(BIN)/syncd demo

test: $(STAMP) ## all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

check: lint types layers ## lint, types, layers

lint: $(STAMP) ## ruff: rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

layers: $(STAMP) ## which room may import which
	$(BIN)/lint-imports

contract: $(STAMP) ## the conformance suite, also on real test accounts (docs/connectors.md)
	$(BIN)/python -m pytest tests/contract/live -rs $(ARGS)

logs: $(STAMP) ## docs/logs.md from the registry of events
	$(BIN)/python -m syncd.telemetry.reference > docs/logs.md

site: build/site-tools/.installed ## the documentation as a site with search, in build/site
	build/site-tools/bin/zensical build --clean --strict -f mkdocs.yml

site-serve: site ## the site on http://127.0.0.1:8000
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory build/site 8000

build/site-tools/.installed: requirements-site.txt
	@test -x build/site-tools/bin/python || $(PYTHON) -m venv build/site-tools
	build/site-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-site.txt
	@touch $@

wheel: $(STAMP) ## build the wheel, install it in a clean environment, start it there
	bash .ci/wheel

install-test: $(STAMP) ## an installation's whole life in a folder: install, backup, upgrade, restore, decommission
	deploy/test/lifecycle $(OLDER)

node-clients: $(STAMP) ## jsforce and HubSpot's own client for Node against the sandboxes (needs node and npm)
	@mkdir -p build/node-clients && cp tests/node_clients/package.json tests/node_clients/package-lock.json build/node-clients/
	npm ci --prefix build/node-clients --ignore-scripts --no-audit --no-fund --silent
	$(BIN)/python -m pytest tests/node_clients

systemd-test: $(STAMP) ## the unit under a real systemd in namespaces: start, credentials, reload, kill, watchdog, stop (needs root)
	deploy/test/systemd

schema-fixture: $(STAMP) ## the schema of RELEASE as fixture for the migration tests: once, when it is released
	$(BIN)/python -m tests.migration.release $(RELEASE)

lock: ## pin every dependency with its hashes (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --extra console --extra postgres --extra receivers pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --extra balance --extra console --extra fast --extra postgres --extra receivers --group dev pyproject.toml -o requirements-dev.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --group site -o requirements-site.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --group fuzz -o requirements-fuzz.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --extra fast --extra spark -c requirements-dev.txt pyproject.toml -o requirements-spark.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --group spark-build -o requirements-spark-build.txt

bench: $(STAMP) ## the whole job on the real company list, timed; JSON on stdout
	@$(BIN)/python benchmarks/main_job.py

bench-load: $(STAMP) ## a first load of ROWS accounts and as many opportunities into both databases; JSON on stdout
	@$(BIN)/python benchmarks/first_load.py --rows $(or $(ROWS),1000000)

bench-packs: $(STAMP) ## check, test, plan and explain on each example pack and on 1,000 territories over 100,000 accounts; JSON
	@$(BIN)/python benchmarks/example_packs.py

bench-explain: $(STAMP) ## explain over a mirror of 100,000 accounts and 1,000 territories; JSON on stdout
	@$(BIN)/python benchmarks/explain.py

bench-rules: $(STAMP) ## the rules engine, figure by figure (FIGURES="territory reading ..."); JSON on stdout
	@$(BIN)/python benchmarks/rules_engine.py $(FIGURES)

bench-aids: $(STAMP) ## audit, starter pack and backtest over planted books (SIZES="1000 10000 ..."); JSON on stdout
	@$(BIN)/python benchmarks/aids.py $(SIZES)

bench-balance: $(STAMP) ## balance and forecast over planted books (SIZES="1000 10000 ..."); JSON on stdout
	@$(BIN)/python benchmarks/balance.py $(SIZES)

bench-commands: $(STAMP) ## balance and forecast as whole commands over a mirror of 100,000 accounts and 300 reps; JSON on stdout
	@$(BIN)/python benchmarks/balance_command.py

bench-engine: $(STAMP) ## the batch engine over ROWS accounts beside Polars, DuckDB, SQLite and rule engines; JSON on stdout
	@$(BIN)/python benchmarks/batch_engine.py --rows $(or $(ROWS),1000000)

bench-plan: $(STAMP) ## plan of an export and of a mirror as a whole over ROWS accounts, in processes of their own; JSON on stdout
	@$(BIN)/python benchmarks/batch_plan.py --rows $(or $(ROWS),100000 1000000)
	@$(BIN)/python benchmarks/mirror_plan.py --rows $(or $(ROWS),20000 100000 1000000)

bench-edits: $(STAMP) ## edits of a pack over ROWS accounts in memory, decided again by what changed; JSON on stdout
	@$(BIN)/python benchmarks/live_edits.py --rows $(or $(ROWS),1000000)

bench-pulls: $(STAMP) ## plans of a mirror of ROWS accounts in memory after pulls of 100 changes, saved; JSON on stdout
	@$(BIN)/python benchmarks/live_pulls.py --rows $(or $(ROWS),100000)

bench-scale: $(STAMP) ## the batch engine by 500 to 2,000 territories, and over five times ROWS accounts from cold; JSON on stdout
	@$(BIN)/python benchmarks/engine_scale.py --rows $(or $(ROWS),1000000)

bench-spark: $(STAMP) build/spark/.installed ## plan --engine spark over ROWS accounts in Parquet beside batches; JSON on stdout
	@$(BIN)/python benchmarks/spark_plan.py --rows $(or $(ROWS),1000 1000000)

spark: $(STAMP) build/spark/.installed ## plan --engine spark on local Spark against the plain engine over SEEDS random packs (needs Java 17)
	SPARK=$(or $(SEEDS),12) $(BIN)/python -m pytest tests/unit/rules/test_rules_spark.py -rs

build/spark/.installed: requirements-spark.txt requirements-spark-build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark-build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements-spark.txt
	@mkdir -p build/spark && touch $@

fuzz: $(STAMP) ## class tables and batches against the plain evaluator over PACKS random packs of 200 dirty accounts
	PACKS=$(or $(PACKS),3000) $(BIN)/python -m pytest tests/unit/rules/test_rules_classes.py tests/unit/rules/test_rules_batch.py tests/unit/rules/test_rules_many_packs.py -n $(JOBS)

man: $(STAMP) ## the manual page and the shell completions, from the commands themselves
	$(BIN)/python -m syncd.cli.manual deploy

real: $(STAMP) ## the whole job on all 29,049 real companies (make test takes a quarter of them)
	REAL=all $(BIN)/python -m pytest tests/acceptance/test_real_companies.py

evening: $(STAMP) ## adopt, plan, approve, canary, kill -9, resume, a human edit, drift, undo: one evening, shown
	@$(BIN)/python -m tests.acceptance.evening

screenshots: $(STAMP) ## the pictures of docs/pictures, from a sandbox company, by chromium
	$(BIN)/python -m tests.acceptance.screenshots docs/pictures

simulate: $(STAMP) ## the simulation over SEEDS seeds from FIRST on
	SEEDS=$(or $(SEEDS),100) FIRST=$(or $(FIRST),0) $(BIN)/python -m pytest tests/simulation/test_simulation.py -n $(JOBS)

sweep: $(STAMP) ## the golden day with a death at every crashpoint, a second one in recovery, every call failing
	SWEEP=all $(BIN)/python -m pytest tests/simulation/test_golden_day.py -n $(JOBS) --dist loadscope --no-loadscope-reorder

machine: $(STAMP) ## the state machine over the store: EXAMPLES runs of 40 steps
	EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/python -m pytest tests/simulation/test_store_machine.py -q

planted: $(STAMP) ## plant each bug of tests/planted/bugs.toml (BUGS="I09 undo") into a copy: who catches it; docs/reliability.md
	$(BIN)/python -m tests.planted $(BUGS)

mutants: $(STAMP) ## mutants of the modules that decide what is written, at most MOST each, by their own tests; docs/reliability.md
	$(BIN)/python -m tests.mutants --most $(or $(MOST),1000) $(MODULES)

coverage: $(STAMP) ## lines and branches that the tests of rules, planning and the outbox take; docs/reliability.md
	$(BIN)/python -m coverage run --branch --source=syncd/rules,syncd/planning,syncd/store --data-file=build/coverage -m pytest -q -m "not postgres" tests/unit/rules tests/unit/planning tests/unit/store tests/unit/jobs
	$(BIN)/python -m coverage json --data-file=build/coverage -o build/coverage.json
	$(BIN)/python -m tests.coverage_table build/coverage.json

fairness: $(STAMP) ## COUNT accounts dealt in turn on a real database, killed again and again: nobody off by more than 2
	FAIRNESS=$(or $(COUNT),10000) $(BIN)/python -m pytest tests/simulation/test_fairness_simulated.py -s -q

soak: $(STAMP) ## a simulated year of watches over SEEDS seeds: no false page, no missed one, flat memory
	SOAK_DAYS=$(or $(DAYS),365) SOAK_SEEDS=$(or $(SEEDS),1) SOAK_STEP=$(or $(STEP),120) $(BIN)/python -m pytest tests/unit/alerts/test_alerts_soak.py

storm: $(STAMP) ## STORM kill -9s, SIGTERMs, reloads of real processes; the connection cut at every STEP-th statement
	STORM=$(or $(STORM),200) CUT=$(or $(STEP),5) $(BIN)/python -m pytest tests/integration/test_storm.py tests/integration/test_kill.py tests/unit/jobs/test_jobs_cut_connections.py --durations=0

walk-oncall: $(STAMP) ## every alert made to happen in the sandbox, and its runbook's first command run; docs/walks/on-call.md
	$(BIN)/python -m pytest tests/acceptance/on_call_walk.py -q -s $(ARGS)

fuzz-readers: $(STAMP) build/fuzz/.installed ## the coverage-guided fuzzer, MINUTES over each reader (READERS="pack json ...")
	@for reader in $(or $(READERS),pack table csv settings json control soql); do \
	  $(BIN)/python -m tests.fuzz.campaign $$reader $$(( 60 * $(or $(MINUTES),20) )) || exit 1; done

fuzz-commands: $(STAMP) ## LINES command lines that nobody meant, drawn from FIRST on: no bug, no traceback, none that never ends
	LINES_DRAWN=$(or $(LINES),3000) FIRST=$(or $(FIRST),1) $(BIN)/python -m pytest -q tests/fuzz/test_fuzz_command_lines.py -n $(JOBS)

build/fuzz/.installed: requirements-fuzz.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.txt
	@mkdir -p build/fuzz && touch $@

audit-deps: $(STAMP) ## the locked dependencies looked up among known advisories; SKIPPED without a network
	@$(BIN)/python -m tests.supply_chain.audit

sbom: $(STAMP) ## the bill of materials (CycloneDX) of the locked dependencies, in build/syncd.cdx.json
	@$(BIN)/python -m tests.supply_chain.sbom build/syncd.cdx.json

lanes: $(STAMP) ## all tests, and which lane of them takes how long (LANES=page: into docs/performance.md)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder -p tests.lanes $(ARGS)

clean: ## remove what the targets made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
