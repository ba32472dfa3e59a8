# Two commands are enough: `make run` and `make test`. Each sets up what it needs, once.

PYTHON ?= python3
STAGE ?= dev
PORT ?= 8000
KAKAO_PORT ?= 8001
WORKERS ?= 2

bin := .venv/bin
python := $(bin)/python
pytest := $(python) -m pytest
parallel := -n $(WORKERS) --dist worksteal
# One LocalStack serves all of them, so they wait for it more than they compute.
LOCALSTACK_WORKERS ?= 4
sources := app.py chalicelib infra tests
site_sources := $(shell find frontend/src frontend/public frontend/scripts -type f 2>/dev/null) \
	frontend/index.html frontend/vite.config.ts frontend/tsconfig.json

# Tests and the local stack start hundreds of processes, which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run build test lint types unit site-test test-localstack explore bench \
	conformance cost package setup-aws secrets deploy rollback status logs failed-jobs reports smoke epochs \
	destroy screenshots generate lock format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s %s\n", $$1, $$2}' Makefile

# --- Setting up: once, and again when a lock file changes ------------------------------

.venv/.installed: requirements-dev.txt requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed; PYTHON=/path/to/python3 names one."; exit 1; }
	@test -x $(python) || { echo "Making .venv ..."; $(PYTHON) -m venv .venv; }
	@echo "Installing Python packages ..."
	@$(bin)/pip install --quiet --disable-pip-version-check \
		"$$(sed -n 's/^\(uv==[^ ]*\) .*/\1/p' requirements-dev.txt)"
	@$(bin)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(python) requirements-dev.txt
	@echo "Fetching what ships in the Lambdas ..."
	@$(python) -m infra.aws.libraries || echo "Packaging for AWS will not work; all else does."
	@touch $@

frontend/node_modules/.installed: frontend/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20.19 or newer (with npm) is needed."; exit 1; }
	@echo "Installing npm packages ..."
	@cd frontend && npm ci --silent --no-audit --no-fund
	@touch $@

frontend/dist/index.html: frontend/node_modules/.installed $(site_sources)
	@echo "Building the site ..."
	@cd frontend && npm run --silent build
	@touch $@

setup: .venv/.installed frontend/node_modules/.installed

build: frontend/dist/index.html ## Build the site into frontend/dist

# --- Running ---------------------------------------------------------------------------

run: .venv/.installed frontend/dist/index.html ## Run everything on http://localhost:8000 (FAULTS=file, TRACE=ref, AWS=localstack)
	@PORT=$(PORT) KAKAO_PORT=$(KAKAO_PORT) $(python) -m infra.local.pingpong \
		$(if $(FAULTS),--faults $(FAULTS)) $(if $(TRACE),--trace $(TRACE)) $(if $(AWS),--aws $(AWS))

# --- Testing ---------------------------------------------------------------------------

test: setup lint types site-test frontend/dist/index.html ## Run all tests that need no Docker
	@$(pytest) $(parallel) tests/unit
	@$(pytest) $(parallel) tests/integration tests/simulation tests/browser  # apart: Playwright occupies the event loop

lint: .venv/.installed
	@$(bin)/ruff check $(sources)
	@$(bin)/ruff format --check $(sources)
	@$(python) -m infra.codegen --check

types: .venv/.installed
	@$(bin)/mypy $(sources)

unit: .venv/.installed ## Run the quick tests only
	@$(pytest) $(parallel) tests/unit

site-test: frontend/node_modules/.installed
	@cd frontend && npm run --silent check && npm run --silent test

test-localstack: .venv/.installed ## Run the integration tests on LocalStack
	@$(pytest) -n $(LOCALSTACK_WORKERS) --dist worksteal --site=localstack tests/integration

conformance: .venv/.installed ## Compare the emulators with AWS's documentation, write docs/conformance.md
	@$(python) -m tests.integration.conformance

explore: .venv/.installed ## Search for interleavings that break a promise (RUNS=1000000, SEED=1 repeats one)
	@$(python) -m tests.simulation.explorer $(if $(SEED),--seed $(SEED),$(or $(RUNS),100000))

# --- Shipping: docs/deploy.md. REGION= and ACCOUNT= guard where, YES=1 asks nothing ---------

aws := $(python) -m infra.aws
where := --stage $(STAGE) $(if $(REGION),--region $(REGION)) $(if $(ACCOUNT),--account $(ACCOUNT))
out := $(if $(YES),--yes) $(if $(FORCE),--force)

package: .venv/.installed frontend/dist/index.html ## Make template and zip in .build/STAGE, offline
	@$(aws) package --stage $(STAGE)

setup-aws: .venv/.installed ## Ask once for what a deployment of STAGE needs: Kakao keys, domain, alarms
	@$(aws) setup $(where)

secrets: .venv/.installed ## Store the keys of your Kakao application for STAGE
	@$(aws) secrets $(where)

deploy: .venv/.installed frontend/dist/index.html ## Deploy STAGE (default: dev) to AWS and look at it
	@$(aws) deploy $(where) $(out)

rollback: .venv/.installed ## Put the previous release of STAGE back (TO=id for another)
	@$(aws) rollback $(where) $(out) $(if $(TO),--to $(TO))

status: .venv/.installed ## Show STAGE: stack, versions, alarms, failed jobs, releases
	@$(aws) status $(where)

logs: .venv/.installed ## Show STAGE's logs (SINCE=10m, FUNCTION=message, GREP=regex, FOLLOW=1)
	@$(aws) logs $(where) $(if $(SINCE),--since $(SINCE)) $(if $(FUNCTION),--function $(FUNCTION)) \
		$(if $(GREP),--grep '$(GREP)') $(if $(FOLLOW),--follow)

failed-jobs: .venv/.installed ## List background jobs that were given up (RETRY=1, DISCARD=1)
	@$(aws) failed-jobs $(where) $(if $(RETRY),--retry) $(if $(DISCARD),--discard)

reports: .venv/.installed ## What people reported in STAGE (DO="list", "show ID", "suspend ID --days 7 --reason …", "audit")
	@$(aws).reports --stage $(STAGE) $(if $(REGION),--region $(REGION)) $(or $(DO),list)

smoke: .venv/.installed ## Look at a deployed site from outside (URL=https://…)
	@$(aws) smoke --url $(URL)

epochs: .venv/.installed ## After a restore of STAGE: give every room a new epoch
	@$(aws).epochs --stage $(STAGE) $(if $(REGION),--region $(REGION))

destroy: .venv/.installed ## Remove STAGE from AWS
	@$(aws) destroy $(where) $(if $(YES),--yes)

cost: .venv/.installed ## What a month costs (USERS=1000 CHATS_PER_USER=50 ROOM=8 HOURS_ONLINE=2 REGION= EXPLAIN=1)
	@$(python) -m infra.cost $(if $(USERS),--users $(USERS)) \
		$(if $(CHATS_PER_USER),--chats-per-user $(CHATS_PER_USER)) $(if $(ROOM),--room $(ROOM)) \
		$(if $(HOURS_ONLINE),--hours-online $(HOURS_ONLINE)) $(if $(DAYS),--days $(DAYS)) \
		$(if $(MONTHS),--months $(MONTHS)) $(if $(FRAME_PACE_MS),--frame-pace-ms $(FRAME_PACE_MS)) \
		$(if $(REGION),--region $(REGION)) $(if $(HABITS),--habits '$(HABITS)') \
		$(if $(EXPLAIN),--explain) $(if $(JSON),--json)

# --- Looking after the project ----------------------------------------------------------

screenshots: .venv/.installed frontend/dist/index.html ## Take the pictures in docs/ anew
	@$(python) -m tests.browser.screenshots

generate: .venv/.installed ## Write what is generated from chalicelib/protocol.py
	@$(python) -m infra.codegen

bench: .venv/.installed frontend/dist/index.html ## Run the benchmarks (ONLY=P6 for one)
	@$(python) -m tests.benchmarks $(if $(ONLY),--only $(ONLY))

lock: .venv/.installed ## Pin the versions of requirements*.in anew
	@$(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt
	@$(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" -c requirements-dev.txt requirements.in -o requirements.txt

format: .venv/.installed ## Format the Python code
	@$(bin)/ruff check --fix --quiet $(sources)
	@$(bin)/ruff format --quiet $(sources)

clean: ## Remove what was built and installed (not .local, the local stack's data)
	rm -rf .venv .build .bench frontend/node_modules frontend/dist .mypy_cache .ruff_cache .pytest_cache
